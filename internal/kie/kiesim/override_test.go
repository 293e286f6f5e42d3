// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// overriddenRecords are the bodies of record-info by the marker without its span.
var overriddenRecords = map[string]answer{
	"record=null":                {Status: 200, Body: `{"code":422,"msg":"recordInfo is null","data":null}`},
	"record=data-null":           {Status: 200, Body: `{"code":200,"msg":"success","data":null}`},
	"record=record-is-null":      {Status: 200, Body: `{"code":422,"msg":"record is null","data":null}`},
	"record=record-info-is-null": {Status: 200, Body: `{"code":422,"msg":"recordInfo is null","data":null}`},
	"record=does-not-exist":      {Status: 200, Body: `{"code":422,"msg":"Record does not exist","data":null}`},
	"record=404":                 {Status: 200, Body: `{"code":404,"msg":"The requested resource or endpoint does not exist","data":null}`},
	"record=data-is-blank":       {Status: 200, Body: `{"code":422,"msg":"record result data is blank","data":null}`},
	"record=data-is-empty":       {Status: 200, Body: `{"code":422,"msg":"record result data is empty","data":null}`},
	"record=data-not-exist":      {Status: 200, Body: `{"code":422,"msg":"record result data not exist","data":null}`},
	"record=not-success":         {Status: 200, Body: `{"code":422,"msg":"record status is not success","data":null}`},
	"record=14-days":             {Status: 200, Body: `{"code":422,"msg":"Temporarily supports records within 14 days","data":null}`},
	"record=1010":                {Status: 403, Body: `error code: 1010`},
	"record-code=455":            {Status: 200, Body: `{"code":455,"msg":"The system is currently undergoing maintenance","data":null}`},
	"record-html=503":            {Status: 503, Body: `<html><body><h1>503 Service Unavailable</h1></body></html>`},
}

// TestRecordIsOverriddenForASpan asks around the borders of a span that begins late,
// about a task that was seen running before.
func TestRecordIsOverriddenForASpan(t *testing.T) {
	spans := map[string]struct{ from, until time.Duration }{
		"":                   {0, ForEver},
		"-for=1m":            {0, time.Minute},
		"-after=11m":         {11 * time.Minute, ForEver},
		"-after=11m-for=1m":  {11 * time.Minute, 12 * time.Minute},
		"-after=20m-for=24h": {20 * time.Minute, 20*time.Minute + 24*time.Hour},
	}
	for marker, want := range overriddenRecords {
		for span, in := range spans {
			t.Run(marker+span, func(t *testing.T) {
				f := newFixture(t, Options{})
				id := f.accept(fields{"prompt": "[sim:latency=12m][sim:" + marker + span + "]"})
				for _, age := range []time.Duration{in.from - 1, in.from, in.until - 1, in.until} {
					if age < 0 || age > retention {
						continue
					}
					f.clock.set(epoch.Add(age))
					got := f.record(id)
					if age < in.from || age >= in.until {
						flag := map[bool]float64{true: 1}[age >= 12*time.Minute]
						if data := f.recordData(id); data["successFlag"] != flag {
							t.Errorf("successFlag is %v after %v, want %v", data["successFlag"], age, flag)
						}
						continue
					}
					if diff := cmp.Diff(want, answer{Status: got.Status, Body: got.Body}); diff != "" {
						t.Errorf("answer after %v (-want +got):\n%s", age, diff)
					}
				}
			})
		}
	}
}

func TestLastOverrideInForceCounts(t *testing.T) {
	f := newFixture(t, Options{Faults: Faults{Queries: []Override{{Reply: ReplyCode(500), For: time.Minute}}}})
	id := f.accept(fields{"prompt": "[sim:record=null-after=10s-for=10s][sim:record-html=502-after=15s-for=10s]"})
	var got []int
	for range 4 {
		answered := f.record(id)
		got = append(got, max(answered.Status, answered.Code))
		f.clock.advance(10 * time.Second)
	}
	if diff := cmp.Diff([]int{500, 422, 502, 500}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	other := f.accept(fields{"prompt": "a"})
	if got := f.record(other); got.Code != 500 {
		t.Errorf("the next task is answered code %d, want that of all tasks", got.Code)
	}
}

// TestTaskThatIsForgottenCannotBeUsed extends and upgrades a finished task that is not
// known any more, and one that never was.
func TestTaskThatIsForgottenCannotBeUsed(t *testing.T) {
	const missing = `{"code":422,"msg":"Record does not exist","data":null}`
	const null = `{"code":422,"msg":"record is null","data":null}`
	const original = `{"code":404,"msg":"The original video task does not exist","data":null}`
	cases := map[string]struct {
		unknown UnknownRecord
		marker  string
		extend  string
		upgrade string
	}{
		"as unknown ones":            {"", "[sim:record=null-after=1m]", original, null},
		"as unknown ones, by option": {UnknownRecordNotExist, "[sim:record=null-after=1m]", missing, missing},
		"with the text of the fate":  {"", "[sim:record=does-not-exist-after=1m]", missing, missing},
		"with data null":             {UnknownRecordNotExist, "[sim:record=data-null-after=1m]", original, null},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{UnknownRecord: test.unknown})
			id := f.made(fields{"prompt": test.marker})
			f.clock.advance(time.Hour)
			got := []string{f.extend(fields{"taskId": id, "prompt": "a"}).Body, f.get1080p(id).Body, f.get4K(fields{"taskId": id}).Body}
			if diff := cmp.Diff([]string{test.extend, test.upgrade, test.upgrade}, got); diff != "" {
				t.Errorf("answers of extend and the upgrades (-want +got):\n%s", diff)
			}
			if state := f.State(); state.PaidTasks != 1 || state.PaidUpgrades != 0 {
				t.Errorf("%d tasks and %d upgrades were paid, want the first only", state.PaidTasks, state.PaidUpgrades)
			}
		})
	}
	f := newFixture(t, Options{UnknownRecord: UnknownRecordNotExist})
	if got := f.extend(fields{"taskId": "no-such-task", "prompt": "a"}); got.Body != missing {
		t.Errorf("extend of an unknown task answers %s", got.Body)
	}
}

func TestPagesAboutARunningUpgrade(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:1080p-html=503-after=1m-for=1m][sim:4k-html=502]"})
	ask := func() []int {
		hd, uhd := f.get1080p(id), f.get4K(fields{"taskId": id})
		return []int{hd.Status, hd.Code, uhd.Status, uhd.Code}
	}
	var got [][]int
	for range 4 {
		got = append(got, ask())
		f.clock.advance(40 * time.Second)
	}
	want := [][]int{{200, 400, 200, 200}, {200, 200, 502, 0}, {503, 0, 502, 0}, {200, 200, 502, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("HTTP statuses and codes of 1080p and 4K (-want +got):\n%s", diff)
	}
	if paid := f.State().PaidUpgrades; paid != 2 {
		t.Errorf("%d upgrades were paid, want 2", paid)
	}
}
