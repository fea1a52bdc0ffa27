// Package prometheus holds the shipped alert rules to Prometheus' own parser, and plays them. It is a module of its own: that parser is
// heavy.
package prometheus

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const rules = "../../conf/prometheus/cni-shim.rules.yaml"

// cases are series, a value a minute, and whether the expression then has a result at 20 minutes.
var cases = map[string][2]string{ // of an alert: series with which it fires, and with which not
	"PodNetworkNotReady":         {`cni_shim_node_ready 1x10 0x20`, `cni_shim_node_ready 0x10 1x20`},
	"PodNetworkConfigInvalid":    {`cni_shim_config_valid 0x30`, `cni_shim_config_valid 1x30`},
	"PodNetworkCallsHang":        {`cni_shim_oldest_operation_seconds 121x30`, `cni_shim_oldest_operation_seconds 0x30`},
	"PodNetworkAttachmentsStale": {`cni_shim_attachments_stale 1x30`, `cni_shim_attachments_stale 0x30`},
	"PodNetworkJournalLost":      {`cni_shim_journal_lost_total 0x12 1x20`, `cni_shim_journal_lost_total 7x30`},
	"PodNetworkMetricsOld":       {`cni_shim_survey_timestamp_seconds 10x30`, `cni_shim_survey_timestamp_seconds 1190x30`},
}

func TestRules(t *testing.T) {
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	source, err := os.ReadFile("../../pkg/survey/prom.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range groups.Groups[0].Rules {
		seen++
		c, ok := cases[r.Alert]
		if !ok {
			t.Errorf("%s has no case", r.Alert)
			continue
		}
		if _, err := parser.ParseExpr(r.Expr); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
		for _, name := range regexp.MustCompile(`cni_shim_\w+`).FindAllString(r.Expr, -1) {
			if !strings.Contains(string(source), `"`+name+`"`) {
				t.Errorf("%s: nothing writes %s", r.Alert, name)
			}
		}
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: %v %v", r.Alert, r.Labels, r.Annotations)
		}
		for i, series := range c {
			name, values, _ := strings.Cut(series, " ")
			engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
			script := "load 1m\n  " + name + "{instance=\"web-1\"} " + values + "\n\neval instant at 20m count(" + r.Expr + ")\n"
			if i == 0 {
				script += "  {} 1\n"
			}
			t.Run(r.Alert+map[int]string{0: "/fires", 1: "/rests"}[i], func(t *testing.T) { promqltest.RunTest(t, script, engine) })
		}
	}
	if seen != len(cases) {
		t.Errorf("%d rules, %d cases", seen, len(cases))
	}
}
