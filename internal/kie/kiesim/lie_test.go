// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// TestLies checks what is wrong with each lie, that the rest of it is right, and
// that record-info keeps to the truth.
func TestLies(t *testing.T) {
	// looks is how a callback looks to a receiver.
	type looks struct {
		Signed bool          // with the account's key, for the task
		Age    time.Duration // of the timestamp
		JSON   bool
		Code   int
		TaskID bool // data.taskId is the task's
		Other  bool // another place has another id
		URL    string
		Large  bool
	}
	honest := looks{Signed: true, JSON: true, Code: 200, TaskID: true, URL: "true"}
	with := func(change func(*looks)) looks {
		l := honest
		change(&l)
		return l
	}
	cases := map[Lie]looks{
		"":               honest,
		LieForged:        with(func(l *looks) { l.URL = "foreign" }),
		LieForgedFailure: with(func(l *looks) { l.Code, l.URL = 501, "" }),
		LieBadSignature:  with(func(l *looks) { l.Signed = false }),
		LieWrongID:       with(func(l *looks) { l.Signed = false }),
		LieUnsigned:      with(func(l *looks) { l.Signed = false }),
		LieStale:         with(func(l *looks) { l.Age = 10 * time.Minute }),
		LieMixedIDs:      with(func(l *looks) { l.Other = true }),
		LieOversized:     with(func(l *looks) { l.Large = true }),
		LieGarbage:       {Signed: true},
	}
	for lie, want := range cases {
		t.Run(string(lie), func(t *testing.T) {
			f := newFixture(t, Options{WebhookHMACKey: testHMACKey, Faults: Faults{Lie: lie}})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": "a", "callBackUrl": r.url("at1")})
			f.playOut()
			callback := r.only(t)
			truth := f.recordData(id)["response"].(map[string]any)["resultUrls"].([]any)[0]

			var body struct {
				Code int
				Data struct {
					TaskID string `json:"taskId"`
					Other  string `json:"task_id"`
					Info   struct{ ResultURLs []string }
				}
			}
			got := looks{
				Signed: callback.signed(id),
				JSON:   json.Unmarshal(callback.Body, &body) == nil,
				Code:   body.Code,
				TaskID: body.Data.TaskID == id,
				Other:  body.Data.Other != "" && body.Data.Other != id,
				Large:  len(callback.Body) > 1<<20,
			}
			if seconds, err := strconv.ParseInt(callback.Timestamp, 10, 64); err == nil {
				got.Age = callback.At.Sub(time.Unix(seconds, 0))
			}
			if urls := body.Data.Info.ResultURLs; len(urls) == 1 {
				got.URL = "foreign"
				if urls[0] == truth {
					got.URL = "true"
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("callback looks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongIDIsSignedForAnotherTask(t *testing.T) {
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
	r := f.newReceiver()
	id := f.accept(fields{"prompt": "[sim:callback=wrong-id]", "callBackUrl": r.url("at1")})
	f.playOut()
	got := r.only(t)
	if got.Signature != kie.Sign(testHMACKey, otherTaskID(id), got.Timestamp) || len(otherTaskID(id)) != 32 {
		t.Error("the signature is not that of another task")
	}
}

func TestMixedIDsWhereverTheRightOneIs(t *testing.T) {
	for _, place := range []CallbackID{CallbackIDTaskID, CallbackIDSnake, CallbackIDTop} {
		t.Run(string(place), func(t *testing.T) {
			f := newFixture(t, Options{Faults: Faults{Lie: LieMixedIDs, CallbackID: place}})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": "a", "callBackUrl": r.url("at1")})
			f.playOut()
			body := r.only(t).Body
			// Within the URL of the video the id is followed by an underscore.
			for _, want := range []string{id, otherTaskID(id)} {
				if !bytes.Contains(body, []byte(`"`+want+`"`)) {
					t.Errorf("the id %s is not in %s", want, body)
				}
			}
		})
	}
}

func TestOutcomeOutlivesAForgery(t *testing.T) {
	cases := map[string]float64{
		"[sim:fail=501][sim:callback=forged]":                         3,
		"[sim:callback=forged-failure]":                               1,
		"[sim:never-finish][sim:callback=forged][sim:callback=early]": 0,
	}
	for prompt, flag := range cases {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": prompt, "callBackUrl": r.url("at1")})
			f.playOut()
			if !r.only(t).signed(id) {
				t.Error("the forgery has no right signature")
			}
			if got := f.recordData(id)["successFlag"]; got != flag {
				t.Errorf("successFlag is %v, want %v", got, flag)
			}
		})
	}
}
