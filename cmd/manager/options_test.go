// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
)

func TestBadFlagsAreRefusedWithASentence(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"an argument", []string{"start"}, `unexpected argument "start"`},
		{"an unknown flag", []string{"--webhook-port=1"}, "flag provided but not defined"},
		{"no address", []string{"--callback-bind-address=8082"}, `--callback-bind-address "8082" is not an address: write host:port`},
		{"no address for metrics", []string{"--metrics-bind-address=here"}, "--metrics-bind-address"},
		{"no URL", []string{"--callback-base-url=kie.example.com"}, "--callback-base-url is not a plain http or https URL"},
		{"a URL with a query", []string{"--callback-base-url=https://kie.example.com?a=b"}, "--callback-base-url is not a plain http or https URL"},
		{"a URL with a password", []string{"--callback-base-url=https://a:b@kie.example.com"}, "--callback-base-url is not a plain http or https URL"},
		{"another scheme", []string{"--callback-base-url=ftp://kie.example.com"}, "--callback-base-url is not a plain http or https URL"},
		{"plain http", []string{"--callback-base-url=http://kie.example.com"}, "use https, or add --allow-private-networks"},
		{"callbacks without their server", []string{"--callback-base-url=https://kie.example.com", "--callback-bind-address=0"}, "--callback-base-url needs the callback server"},
		{"no folder for the certificate", []string{"--callback-cert-path=/does/not/exist"}, `--callback-cert-path "/does/not/exist" is not a folder: mount the Secret`},
		{"a certificate without its server", []string{"--callback-cert-path=/does/not/exist", "--callback-bind-address=0"}, "--callback-cert-path needs the callback server"},
		{"no namespace", []string{"--operator-namespace=Kie_Operator"}, `--operator-namespace: "Kie_Operator" is not the name of a namespace`},
		{"an empty namespace", []string{"--operator-namespace="}, "is not the name of a namespace"},
		{"no namespaces", []string{"--watch-namespaces=a,b/c"}, `--watch-namespaces: "b/c" is not the name of a namespace`},
		{"no workers", []string{"--max-concurrent-reconciles=0"}, "--max-concurrent-reconciles must be at least 1"},
		{"no window", []string{"--submission-recovery-window=0s"}, "--submission-recovery-window must be at least 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseOptions(tt.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want it to say %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "a:b") {
				t.Error("the error shows a password")
			}
		})
	}
}

func TestGoodFlags(t *testing.T) {
	o, err := parseOptions([]string{"--callback-base-url=https://kie.example.com/", "--watch-namespaces= a, b", "--operator-namespace=here", "--zap-devel"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.callbackBaseURL != "https://kie.example.com" || strings.Join(o.watchNamespaces, ",") != "a,b" || o.leaderElectionNamespace != "here" {
		t.Errorf("options are %+v", o)
	}
}

// Who asks for the version need not say anything else.
func TestVersionFlag(t *testing.T) {
	o, err := parseOptions([]string{"--version", "--max-concurrent-reconciles=0"}, io.Discard)
	if err != nil || !o.version {
		t.Errorf("the options are %+v, the error is %v", o, err)
	}
}

func TestEveryFlagIsExplained(t *testing.T) {
	var help strings.Builder
	if _, err := parseOptions([]string{"--help"}, &help); err == nil {
		t.Fatal("--help is no reason to start")
	}
	for _, name := range []string{
		"callback-bind-address", "callback-base-url", "callback-cert-path", "metrics-bind-address", "health-probe-bind-address", "leader-elect",
		"leader-election-namespace", "operator-namespace", "watch-namespaces", "max-concurrent-reconciles",
		"submission-recovery-window", "allow-private-networks", "kubeconfig", "zap-log-level",
	} {
		_, after, found := strings.Cut(help.String(), "  -"+name)
		if !found {
			t.Errorf("--help does not speak of --%s", name)
			continue
		}
		_, after, _ = strings.Cut(after, "\n")
		if line, _, _ := strings.Cut(strings.TrimSpace(after), "\n"); len(line) < 10 {
			t.Errorf("--help says of --%s only %q", name, line)
		}
	}
}
