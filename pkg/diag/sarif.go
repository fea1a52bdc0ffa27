package diag

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Descriptor is what a SARIF reader is told of a rule.
type Descriptor struct {
	ID, Title, Doc, Fix string
	Severity            Severity
}

type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifRule struct {
		ID      string     `json:"id"`
		Short   sarifText  `json:"shortDescription"`
		Full    sarifText  `json:"fullDescription"`
		Help    sarifText  `json:"help"`
		Default sarifLevel `json:"defaultConfiguration"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
)

var sarifLevels = [...]string{Error: "error", Warning: "warning", Info: "note"}

// WriteSARIF writes findings in the Static Analysis Results Interchange Format 2.1.0, with the rules that they are of.
// Relative file names stay relative, as code hosts want them; absolute ones become file URIs.
func WriteSARIF(w io.Writer, l List, version string, rules []Descriptor) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "cni-shim", Version: version, URI: "https://github.com/cni-shim/cni-shim", Rules: []sarifRule{}}
	index := map[string]int{}
	for i, r := range rules {
		index[r.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r.ID, sarifText{r.Title}, sarifText{r.Doc}, sarifText{r.Fix}, sarifLevel{sarifLevels[r.Severity]}})
	}
	for _, d := range l {
		message := d.Message
		if d.Fix != "" {
			message += "\nfix: " + d.Fix
		}
		i, known := index[d.Rule]
		if !known {
			i = -1
		}
		var p sarifPhysical
		p.Artifact.URI = uri(d.File)
		if d.Line > 0 {
			p.Region = &sarifRegion{d.Line, d.Column, d.EndLine, d.EndColumn}
		}
		run.Results = append(run.Results, sarifResult{d.Rule, i, sarifLevels[d.Severity], sarifText{message}, []sarifLocation{{p}}})
	}
	enc := json.NewEncoder(visible.NewWriter(w, false))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func uri(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}
