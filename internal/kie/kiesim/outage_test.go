// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// askAll sends a request to every endpoint and returns the HTTP statuses by its name.
func (f *fixture) askAll(id string) map[string]int {
	f.t.Helper()
	return map[string]int{
		endpointGenerate:   f.submit(fields{"prompt": "a"}).Status,
		endpointExtend:     f.extend(fields{"taskId": id, "prompt": "a"}).Status,
		endpointRecordInfo: f.record(id).Status,
		endpoint1080p:      f.get1080p(id).Status,
		endpoint4K:         f.get4K(fields{"taskId": id}).Status,
		endpointCredit:     f.call(http.MethodGet, "/api/v1/chat/credit", "").Status,
		endpointDownloadURL: f.call(http.MethodPost, "/api/v1/common/download-url",
			fields{"url": f.server.URL + "/v/x.mp4"}.json()).Status,
		endpointUpload: f.uploadForm("a.png", png, map[string]string{"uploadPath": "in"}).Status,
	}
}

// TestOutages interrupts each endpoint for a minute, later and not at once, and looks
// at all of them.
func TestOutages(t *testing.T) {
	for _, endpoint := range Endpoints() {
		t.Run(endpoint, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.made(fields{"prompt": "a"})
			f.SetOutages(Outages{endpoint: {{Reply: ReplyHTML(503), After: time.Minute, For: time.Minute}}})
			well := map[string]int{}
			for _, name := range Endpoints() {
				well[name] = 200
			}
			if diff := cmp.Diff(well, f.askAll(id)); diff != "" {
				t.Errorf("statuses before (-want +got):\n%s", diff)
			}
			f.clock.advance(time.Minute)
			paid := f.State().PaidTasks
			during := f.askAll(id)
			well[endpoint] = 503
			if diff := cmp.Diff(well, during); diff != "" {
				t.Errorf("statuses during (-want +got):\n%s", diff)
			}
			// The task was upgraded before, so that KIE itself refuses to extend it.
			bought := 1
			if endpoint == endpointGenerate {
				bought = 0
			}
			if got := f.State().PaidTasks - paid; got != bought {
				t.Errorf("%d tasks were paid during, want %d", got, bought)
			}
			f.clock.advance(time.Minute)
			well[endpoint] = 200
			if diff := cmp.Diff(well, f.askAll(id)); diff != "" {
				t.Errorf("statuses afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutagesFromTheStart(t *testing.T) {
	outages := make(Outages)
	for _, text := range []string{"credit=html-429-for=1m", "credit=1010-after=2m", "upload=html-413"} {
		if err := outages.Set(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	want := Outages{
		"credit": {{Reply: ReplyHTML(429), For: time.Minute}, {Reply: Reply1010, After: 2 * time.Minute, For: ForEver}},
		"upload": {{Reply: ReplyHTML(413), For: ForEver}},
	}
	if diff := cmp.Diff(want, outages); diff != "" {
		t.Fatalf("outages (-want +got):\n%s", diff)
	}
	f := newFixture(t, Options{Outages: outages})
	var got []int
	for range 3 {
		got = append(got, f.call(http.MethodGet, "/api/v1/chat/credit", "").Status)
		f.clock.advance(time.Minute)
	}
	if diff := cmp.Diff([]int{429, 200, 403}, got); diff != "" {
		t.Errorf("statuses of credit (-want +got):\n%s", diff)
	}
	f.SetOutages(nil)
	if got := f.call(http.MethodGet, "/api/v1/chat/credit", ""); got.Code != 200 {
		t.Errorf("credit answers %s after the outages", got.Body)
	}
}

func TestOutagesThatCannotBe(t *testing.T) {
	cases := map[string]string{
		"cancel=html-503":       `"cancel" has an outage but is not an endpoint: use generate, extend, record-info, get-1080p-video, get-4k-video, credit, download-url, upload`,
		"credit=500":            `an outage of credit cannot answer "500": use html-CODE, where CODE is ` + pageStatuses + `, or 1010`,
		"credit=html-600":       `an outage of credit cannot answer "html-600": use html-CODE, where CODE is ` + pageStatuses + `, or 1010`,
		"credit=1010-for=x":     `"x" is not a duration such as 30s or 2m`,
		"credit=1010-after=-1s": `"-1s" is not a duration such as 30s or 2m`,
	}
	for text, want := range cases {
		outages := make(Outages)
		if err := outages.Set(text); err == nil || err.Error() != want || len(outages) != 0 {
			t.Errorf("%s: error is %v, want %s", text, err, want)
		}
	}
	if err := (Options{Outages: Outages{"x": nil}}).Validate(); err == nil {
		t.Error("an outage of an endpoint that does not exist is an option")
	}
	defer func() {
		if recover() == nil {
			t.Error("an outage can answer for KIE")
		}
	}()
	New(Options{}).SetOutages(Outages{"credit": {{Reply: ReplyCode(500), For: ForEver}}})
}
