// Recorder is a plugin for tests: it writes down what it was given and answers as its configuration says. "record" names the file,
// "fail" the verbs to fail, "result" the result of ADD, "print" what ADD prints to the byte, "pass" that it hands prevResult on.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

func main() { os.Exit(record(filepath.Base(os.Args[0]))) }

// recorded is one call as a plugin saw it.
type recorded struct {
	Plugin string          `json:"plugin"`
	Env    []string        `json:"env"`
	Stdin  json.RawMessage `json:"stdin"`
}

func record(name string) int {
	verb := os.Getenv("CNI_COMMAND")
	if verb == "VERSION" {
		fmt.Println(`{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}`)
		return 0
	}
	stdin, _ := io.ReadAll(os.Stdin)
	var conf struct {
		CNIVersion string          `json:"cniVersion"`
		Record     string          `json:"record"`
		Fail       []string        `json:"fail"`
		Result     json.RawMessage `json:"result"`
		Print      string          `json:"print"`
		Pass       bool            `json:"pass"`
		PrevResult json.RawMessage `json:"prevResult"`
	}
	if err := json.Unmarshal(stdin, &conf); err != nil {
		fmt.Printf(`{"code":6,"msg":%q}`, err.Error())
		return 1
	}
	r := recorded{Plugin: name, Env: os.Environ(), Stdin: stdin}
	sort.Strings(r.Env)
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false) // stdin as it was given
	_ = e.Encode(r)
	f, err := os.OpenFile(conf.Record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.Write(line.Bytes())
	}
	if err != nil {
		fmt.Printf(`{"code":5,"msg":%q}`, err.Error())
		return 1
	}
	for _, v := range conf.Fail {
		if v == verb {
			fmt.Printf(`{"code":123,"msg":"%s says no","details":"to %s"}`, name, verb)
			return 1
		}
	}
	if verb == "ADD" {
		switch {
		case conf.Pass && conf.PrevResult != nil:
			os.Stdout.Write(conf.PrevResult)
		case conf.Print != "":
			fmt.Print(conf.Print)
		case conf.Result != nil:
			fmt.Print(string(conf.Result))
		default:
			fmt.Printf(`{"cniVersion":%q,"interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":%q}],"ips":[%s],"dns":{}}`,
				conf.CNIVersion, os.Getenv("CNI_NETNS"), address(conf.CNIVersion, name))
		}
	}
	return 0
}

func address(version, name string) string {
	family := ""
	if strings.HasPrefix(version, "0.") {
		family = `"version":"4",`
	}
	return fmt.Sprintf(`{%s"interface":0,"address":"10.1.0.%d/24"}`, family, 2+len(name)+int(name[len(name)-1]-'0'))
}
