// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// example returns the value of a fate with its placeholders filled in.
func example(fate Fate) string {
	return strings.NewReplacer(placeholderCode, "500", placeholderDuration, "1m").Replace(fate.Value)
}

// marker returns the fate as text for a prompt.
func marker(fate Fate) string {
	if fate.Value == "" {
		return "[sim:" + fate.Key + "]"
	}
	return "[sim:" + fate.Key + "=" + example(fate) + "]"
}

func TestEveryFateIsReadable(t *testing.T) {
	for _, fate := range Fates() {
		t.Run(fate.String(), func(t *testing.T) {
			var fromFlag, fromPrompt Faults
			if err := fromFlag.Set(fate.Key, example(fate)); err != nil {
				t.Errorf("as a flag: %v", err)
			}
			if err := fromPrompt.apply("a " + marker(fate) + " b"); err != nil {
				t.Errorf("as a marker: %v", err)
			}
			if diff := cmp.Diff(fromFlag, fromPrompt); diff != "" {
				t.Errorf("flag and marker differ (-flag +marker):\n%s", diff)
			}
			if fate.Help == "" {
				t.Error("there is no help")
			}
		})
	}
}

// TestEveryFateChangesSomething plays a submission with each fate and compares all
// that can be seen of it with a submission without.
func TestEveryFateChangesSomething(t *testing.T) {
	defaults := map[string]bool{"callback-id=taskId": true, "urls=array": true, "time=ms": true}
	plain := trace(t, "plain", false)
	for _, fate := range Fates() {
		t.Run(fate.String(), func(t *testing.T) {
			changed := trace(t, "plain "+marker(fate), fate.Value == string(AcceptThenHang)) != plain
			if changed == defaults[fate.String()] {
				t.Errorf("changes something: %v, is a default: %v", changed, !changed)
			}
		})
	}
}

// trace returns all that a client and a receiver can see of a submission, without
// its markers and ids.
func trace(t *testing.T, prompt string, giveUp bool) string {
	t.Helper()
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey, PublicURL: "https://cdn.example"})
	r := f.newReceiver()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if giveUp {
		f.SetOnAccepted(func(Task) { cancel() })
	}
	request := fields{"prompt": prompt, "seeds": 12345, "enableFallback": true, "callBackUrl": r.url("at1")}
	answer, err := f.do(ctx, http.MethodPost, "/api/v1/veo/generate", request.json())
	var seen strings.Builder
	fmt.Fprintf(&seen, "submission: %d %s %v\n", answer.Status, answer.Body, err != nil)
	for _, task := range f.State().Tasks {
		for _, at := range []time.Duration{0, 5 * time.Second, 40 * time.Second, 2 * time.Minute, time.Hour} {
			f.clock.set(epoch.Add(at))
			f.Deliver(t.Context())
			fmt.Fprintf(&seen, "record at %v: %s\n", at, f.record(task.ID).Body)
		}
	}
	ids := f.State().Tasks
	for _, callback := range r.all() {
		fmt.Fprintf(&seen, "callback at %v: signed %v %q %s\n",
			callback.At, callback.signed(ids[0].ID), callback.Timestamp, callback.Body)
	}
	text := strings.ReplaceAll(seen.String(), prompt, "plain")
	text = strings.ReplaceAll(text, r.server.URL, "")
	for _, task := range ids {
		text = strings.ReplaceAll(text, task.ID, "ID")
	}
	return text
}

func TestSetNamesWhatIsWrong(t *testing.T) {
	cases := []struct{ key, value, want string }{
		{"", "", `fate "" does not exist`},
		{"fial", "501", `fate "fial" does not exist`},
		{"fail", "", `fate "fail" does not take "": use 400 or 422 or 500 or 501`},
		{"fallback", "x", `fate "fallback" does not take "x": use used or failed`},
		{"never-finish", "x", `fate "never-finish" takes no value`},
		{"latency", "fast", `"fast" is not a duration such as 30s or 2m`},
		{"latency", "-1s", `"-1s" is not a duration such as 30s or 2m`},
		{"lag", "x", `"x" is not a duration such as 30s or 2m`},
		{"record", "null", `fate "record" does not take "null": use null-for=DURATION`},
		{"record-code", "200-for=1s", `"200-for=1s" is not a code from 400 to 599 and a duration such as 422-for=30s`},
		{"record-code", "422", `"422" is not a code from 400 to 599 and a duration such as 422-for=30s`},
		{"record-code", "422-for=x", `"x" is not a duration such as 30s or 2m`},
	}
	for _, test := range cases {
		t.Run(test.key+"="+test.value, func(t *testing.T) {
			var faults Faults
			err := faults.Set(test.key, test.value)
			if err == nil || err.Error() != test.want {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			if diff := cmp.Diff(Faults{}, faults); diff != "" {
				t.Errorf("a refused fate changed the faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMarkersOfAPromptAddToTheDefaults(t *testing.T) {
	f := newFixture(t, Options{Faults: Faults{Fail: 501, NoCallback: true}})
	submit := func(prompt string) Faults {
		f.accept(fields{"prompt": prompt})
		return f.ledger.tasks[len(f.ledger.tasks)-1].faults
	}
	got := []Faults{
		submit("plain"),
		submit("[sim:fail=400] and [sim:lag][sim:callback=forged] [sim:callback=twice]"),
	}
	f.SetFaults(Faults{Latency: time.Minute})
	got = append(got, submit("plain"))
	want := []Faults{
		{Fail: 501, NoCallback: true},
		{Fail: 400, NoCallback: true, Lag: 30 * time.Second, Lie: LieForged, TwiceCallback: true},
		{Latency: time.Minute},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults of the tasks (-want +got):\n%s", diff)
	}
}
