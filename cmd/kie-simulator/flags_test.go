// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// environment returns a getenv over fixed values.
func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// defaults is the config of an empty command line.
func defaults() config {
	return config{
		bindAddress: ":8090",
		options: kiesim.Options{
			Latency:         5 * time.Second,
			Credits:         10000,
			RateLimit:       20,
			RateWindow:      10 * time.Second,
			HTTPStatusMode:  kiesim.HTTPStatusBody,
			UnknownRecord:   kiesim.UnknownRecordCode422,
			HighResolution:  kiesim.HighResolutionDirect,
			UploadRetention: 24 * time.Hour,
			UploadFault:     kiesim.UploadFaultNone,
			CallbackTimeout: 15 * time.Second,
			CallbackRetries: 3,
			CallbackBackoff: 10 * time.Second,
		},
	}
}

func TestParse(t *testing.T) {
	cases := map[string]struct {
		args   []string
		env    map[string]string
		change func(*config)
	}{
		"nothing": {change: func(*config) {}},
		"every flag of the program": {
			args: []string{"--bind-address=:0", "--api-key=a", "--webhook-hmac-key", "h", "--latency=1m", "--credits=12.5",
				"--price=veo3=1", "--price=veo3_lite=0.5", "--rate-limit=5", "--rate-window=1s", "--http-status-mode=mixed",
				"--unknown-record=null", "--callback-timeout=2s", "--callback-retries=1", "--callback-backoff=3s",
				"--public-url=https://sim.example", "--upgrade-latency=2m", "--high-resolution=720p", "--upload-retention=72h",
				"--price=1080p=6", "--price=veo3-4k=2", "--price=extend-lite=3", "--upload-fault=drop",
				"--outage=credit=html-503-after=1m-for=2m", "--outage=upload=1010"},
			change: func(c *config) {
				c.bindAddress = ":0"
				c.options = kiesim.Options{
					APIKey: "a", WebhookHMACKey: "h", Latency: time.Minute, Credits: 12.5,
					Prices:    map[string]float64{"veo3": 1, "veo3_lite": 0.5, "1080p": 6, "veo3-4k": 2, "extend-lite": 3},
					RateLimit: 5, RateWindow: time.Second,
					HTTPStatusMode: kiesim.HTTPStatusMixed, UnknownRecord: kiesim.UnknownRecordNull,
					CallbackTimeout: 2 * time.Second, CallbackRetries: 1, CallbackBackoff: 3 * time.Second,
					PublicURL: "https://sim.example", UpgradeLatency: 2 * time.Minute,
					HighResolution: kiesim.HighResolution720p, UploadRetention: 72 * time.Hour,
					UploadFault: kiesim.UploadFaultDrop,
					Outages: kiesim.Outages{
						"credit": {{Reply: kiesim.ReplyHTML(503), After: time.Minute, For: 2 * time.Minute}},
						"upload": {{Reply: kiesim.Reply1010, For: kiesim.ForEver}},
					},
				}
			},
		},
		"zero means none": {
			args: []string{"--latency=0", "--upgrade-latency=0", "--rate-limit=0", "--callback-retries=0", "--credits=0"},
			change: func(c *config) {
				c.options.UpgradeLatency = kiesim.Immediately
				c.options.Latency, c.options.RateLimit, c.options.CallbackRetries, c.options.Credits = kiesim.Immediately, -1, -1, 0
			},
		},
		"keys from the environment": {
			env:    map[string]string{envAPIKey: "a", envWebhookHMACKey: "h"},
			change: func(c *config) { c.options.APIKey, c.options.WebhookHMACKey = "a", "h" },
		},
		"flags win over the environment": {
			args:   []string{"--api-key=flag"},
			env:    map[string]string{envAPIKey: "a"},
			change: func(c *config) { c.options.APIKey = "flag" },
		},
		"fates": {
			args: []string{"--fail=501", "--callback=late=1m", "--callback=twice", "--lag", "--never-finish"},
			change: func(c *config) {
				c.options.Faults = kiesim.Faults{Fail: 501, LateCallback: time.Minute, TwiceCallback: true,
					Lag: 30 * time.Second, NeverFinish: true}
			},
		},
		"fates of upgrades": {
			args: []string{"--1080p-not-ready=500", "--4k-callback=never", "--4k-id=new", "--1080p-latency=1m"},
			change: func(c *config) {
				c.options.Faults = kiesim.Faults{
					Upgrade1080p: &kiesim.Faults{NotReady: 500, Latency: time.Minute},
					Upgrade4K:    &kiesim.Faults{NoCallback: true, NewID: true},
				}
			},
		},
		"fates of files": {
			args: []string{"--bytes=67108864", "--cut=1000", "--file=late", "--1080p-throttle=500", "--4k-file=gone-url"},
			change: func(c *config) {
				c.options.Faults = kiesim.Faults{
					File:         kiesim.FileFaults{Bytes: 64 << 20, Cut: 1000, Fault: kiesim.FileLate},
					Upgrade1080p: &kiesim.Faults{File: kiesim.FileFaults{Throttle: 500}},
					Upgrade4K:    &kiesim.Faults{File: kiesim.FileFaults{Fault: kiesim.FileGoneURL}},
				}
			},
		},
		"a fate that may have a value": {
			args:   []string{"--lag=2s"},
			change: func(c *config) { c.options.Faults.Lag = 2 * time.Second },
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(test.args, environment(test.env))
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			want := defaults()
			test.change(&want)
			// The functions among the options are not set by flags.
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{}), cmp.Comparer(func(a, b func() time.Time) bool { return a == nil && b == nil })); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]struct {
		arg   string
		names string
	}{
		"unknown flag":           {"--nope", "-nope"},
		"no flag":                {"serve", `"serve" is not a flag`},
		"latency":                {"--latency=soon", "-latency"},
		"negative latency":       {"--latency=-1s", "--latency"},
		"negative credits":       {"--credits=-1", "credits"},
		"credits not a number":   {"--credits=NaN", "credits"},
		"negative rate limit":    {"--rate-limit=-1", "--rate-limit"},
		"rate window":            {"--rate-window=0", "--rate-window"},
		"callback timeout":       {"--callback-timeout=0", "--callback-timeout"},
		"callback backoff":       {"--callback-backoff=-1s", "--callback-backoff"},
		"callback retries":       {"--callback-retries=-1", "--callback-retries"},
		"price":                  {"--price=veo3", "ITEM=CREDITS"},
		"price of no model":      {"--price=veo4=1", "veo4"},
		"upgrade latency":        {"--upgrade-latency=-1s", "-upgrade-latency"},
		"high resolution":        {"--high-resolution=x", "direct or 720p"},
		"upload retention":       {"--upload-retention=0", "--upload-retention"},
		"upload fault":           {"--upload-fault=x", "500, 401, code-400, garbage or drop"},
		"outage of nothing":      {"--outage=cancel=1010", "use generate, extend, record-info"},
		"outage by KIE":          {"--outage=credit=500", "use html-CODE"},
		"too small a file":       {"--bytes=1023", "from 1024 on"},
		"price not a number":     {"--price=veo3=NaN", "price of veo3"},
		"status mode":            {"--http-status-mode=x", "body, real or mixed"},
		"unknown record":         {"--unknown-record=x", "422, null, 404, record-is-null or does-not-exist"},
		"public URL":             {"--public-url=sim:8090", "sim:8090"},
		"fate with wrong value":  {"--fail=7", "400 or 422 or 500 or 501"},
		"fate without its value": {"--callback=", "never or early"},
		"fate with a value":      {"--never-finish=3", "takes no value"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]string{test.arg}, environment(nil))
			if err == nil || !strings.Contains(err.Error(), test.names) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, test.names)
			}
		})
	}
}

func TestEveryFateIsAFlag(t *testing.T) {
	flags := newFlagSet(new(config))
	for _, fate := range kiesim.Fates() {
		if flags.Lookup(fate.Key) == nil {
			t.Errorf("--%s does not exist", fate.Key)
		}
	}
}

func TestHelp(t *testing.T) {
	if _, err := parse([]string{"--help"}, environment(nil)); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("--help is answered with %v", err)
	}
	var page bytes.Buffer
	if err := writeHelp(&page); err != nil {
		t.Fatalf("writing the help: %v", err)
	}
	newFlagSet(new(config)).VisitAll(func(f *flag.Flag) {
		if f.Usage != "" && !strings.Contains(page.String(), "\n  --"+f.Name+"\n        "+f.Usage) {
			t.Errorf("the help does not explain --%s", f.Name)
		}
	})
	for _, fate := range kiesim.Fates() {
		if !strings.Contains(page.String(), "\n  "+fate.String()+" ") || !strings.Contains(page.String(), fate.Help) {
			t.Errorf("the help does not explain %s", fate)
		}
	}
}
