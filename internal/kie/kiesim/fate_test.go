// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// example returns the value of a fate with its placeholders filled in.
func example(fate Fate) string {
	return strings.NewReplacer(placeholderSpan, "-after=30s-for=1h", placeholderCode, "500", placeholderDuration, "1m", placeholderBytes, "9000", placeholderNumber, "54321").Replace(fate.Value)
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

// TestEveryFateChangesSomething plays the life of a task with each fate and compares
// all that can be seen of it with a life without.
func TestEveryFateChangesSomething(t *testing.T) {
	defaults := map[string]bool{"callback-id=taskId": true, "urls=array": true, "time=ms": true, "deliver=720p": true,
		"deliver-seconds=8": true, "extend-urls=both": true, "1080p-not-ready=400": true, "4k-id=same": true,
		"4k-callback-id=taskId": true, "4k-urls=array": true}
	// companions are other fates without which one means nothing.
	companions := map[string]string{"4k-failure-data=null": "[sim:4k-fail=500]"}
	plain := trace(t, "plain", "")
	if again := trace(t, "plain", ""); again != plain {
		t.Fatalf("the life of a task differs from time to time (-first +second):\n%s", cmp.Diff(plain, again))
	}
	for _, fate := range Fates() {
		if strings.HasSuffix(fate.Key, "throttle") {
			continue // it takes real time, and nothing else can be seen of it: see TestSlowWriter
		}
		t.Run(fate.String(), func(t *testing.T) {
			without := plain
			companion := companions[fate.String()]
			if companion != "" {
				without = trace(t, "plain "+companion, "")
			}
			hangs := ""
			if fate.Value == string(AcceptThenHang) {
				hangs = fate.Key
			}
			changed := trace(t, "plain "+companion+marker(fate), hangs) != without
			if changed == defaults[fate.String()] {
				t.Errorf("changes something: %v, is a default: %v", changed, !changed)
			}
		})
	}
}

// trace returns all that a client and a receiver can see of a task, its extension
// and its upgrades, without its markers and ids. The client gives up where the
// fate of the given key makes it wait.
func trace(t *testing.T, prompt, hangs string) string {
	t.Helper()
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey, PublicURL: "https://cdn.example"})
	r := f.newReceiver()
	impatient, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	giveUpIf := func(key string) {
		if key == hangs {
			giveUp()
		}
	}
	f.SetOnAccepted(func(Task) { giveUpIf("accept-then") })
	f.SetOnUpgradeAccepted(func(u Upgrade) { giveUpIf(u.Resolution + "-accept-then") })
	var seen []string
	see := func(what, key, method, path string, request fields) {
		body := ""
		if request != nil {
			body = request.json()
		}
		ctx := t.Context()
		if hangs != "" && key == hangs {
			ctx = impatient
		}
		answer, err := f.do(ctx, method, path, body)
		seen = append(seen, fmt.Sprintf("%v: %s: %d %s %v", f.clock.Now(), what, answer.Status, answer.Body, err != nil))
	}
	see("submission", "accept-then", http.MethodPost, "/api/v1/veo/generate",
		fields{"prompt": prompt, "seeds": 12345, "enableFallback": true, "callBackUrl": r.url("at1")})
	for _, at := range []time.Duration{0, 5 * time.Second, 40 * time.Second, 2 * time.Minute, time.Hour} {
		f.clock.set(epoch.Add(at))
		f.Deliver(t.Context())
		state := f.State()
		if len(state.Tasks) == 0 {
			break
		}
		for i, task := range state.Tasks {
			see("record", "", http.MethodGet, "/api/v1/veo/record-info?taskId="+task.ID, nil)
			seen = append(seen, fmt.Sprintf("%v: video %d: %v", f.clock.Now(), i, f.fetch(f.tasks()[i].resultPath())))
		}
		base := state.Tasks[0].ID
		if at == 5*time.Second {
			see("extension", "accept-then", http.MethodPost, "/api/v1/veo/extend",
				fields{"taskId": base, "prompt": prompt, "seeds": 12345, "callBackUrl": r.url("at2")})
		}
		see("1080p", "1080p-accept-then", http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+base, nil)
		see("4k", "4k-accept-then", http.MethodPost, "/api/v1/veo/get-4k-video", fields{"taskId": base, "callBackUrl": r.url("at3")})
		for i, u := range f.upgrades() {
			see("upgrade record", "", http.MethodGet, "/api/v1/veo/record-info?taskId="+u.id, nil)
			seen = append(seen, fmt.Sprintf("%v: upgrade %d: %v", f.clock.Now(), i, f.fetch(u.resultPath())))
		}
	}
	state := f.State()
	// A client may ask again by itself when its connection was closed.
	seen = append(seen, fmt.Sprintf("answers: %v", state.Answers))
	var ids []string
	for _, task := range state.Tasks {
		ids = append(ids, task.ID)
	}
	for _, u := range state.Upgrades {
		ids = append(ids, u.ID)
	}
	var callbacks []string
	for _, callback := range r.all() {
		signer := slices.IndexFunc(ids, callback.signed)
		callbacks = append(callbacks, fmt.Sprintf("callback at %v on %s: signed for %d %q %s",
			callback.At, callback.Path, signer, callback.Timestamp, callback.Body))
	}
	slices.Sort(callbacks)
	text := strings.ReplaceAll(strings.Join(append(seen, callbacks...), "\n"), prompt, "plain")
	text = strings.ReplaceAll(text, r.server.URL, "")
	for i, id := range ids {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("ID%d", i))
	}
	return regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(text, "HEX")
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
		{"record", "null-for", `"-for" is not a span of time such as -after=1m-for=30s`},
		{"record", "null-for=1m-after=1m", `"1m-after=1m" is not a duration such as 30s or 2m`},
		{"record-code", "200-for=1s", `"200" is not a code from 400 to 599`},
		{"record-code", "422-after=x-for=1s", `"x" is not a duration such as 30s or 2m`},
		{"record-html", "600-for=1s", `"600" is not an HTTP status of a page: use 200, 301, 302, 307, 308, 400 to 431 or 500 to 599`},
		{"accept-then", "html-418x", `"418x" is not an HTTP status of a page: use 200, 301, 302, 307, 308, 400 to 431 or 500 to 599`},
		{"record-code", "422-for=x", `"x" is not a duration such as 30s or 2m`},
		{"bytes", "1023", `"1023" is not a number of bytes from 1024 on`},
		{"4k-bytes", "1MB", `"1MB" is not a number of bytes from 1024 on`},
		{"throttle", "0", `"0" is not a number of bytes from 1 on`},
		{"cut", "-1", `"-1" is not a number of bytes from 1 on`},
		{"seed", "x", `"x" is not a whole number other than 0`},
		{"seed", "0", `"0" is not a whole number other than 0`},
		{"credits-consumed", "many", `"many" is not a number as JSON has them`},
		{"4k-credits-consumed", "0x1", `"0x1" is not a number as JSON has them`},
		{"cut-once", "", `fate "cut-once" does not take "": use BYTES`},
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
