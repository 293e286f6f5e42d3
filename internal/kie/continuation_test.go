// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"fmt"
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

const testSourceID = "0c3e9b7d48e2a6c4f80b1d2e3a475a1f"

// testContinuation is of a family that says "no source" with any code.
var testContinuation = Purchase{
	Path:         testPurchase.Path,
	Body:         testPurchase.Body,
	CallbackURL:  testCallbackURL,
	Source:       testSourceID,
	MissesSource: func(_ int, message string) bool { return message == "no source" },
}

// What a continuation has beyond TestBuyAnswers: whose id an answer names, and
// what becomes of a refusal for want of the source.
func TestContinuationAnswers(t *testing.T) {
	for i, tc := range []struct {
		reason  string
		status  int
		body    string
		outcome Outcome
		class   Class
	}{
		{"as documented", 200, acceptedBody, Accepted, ""},
		{"the source is missing", 200, `{"code":422,"msg":"no source"}`, Rejected, SourceNotFound},
		{"what would be deferred is rejected: no other time has the source", 200, `{"code":404,"msg":"no source"}`, Rejected, SourceNotFound},
		{"the same, naming what is missing", 200, `{"code":404,"msg":"no source","data":{"taskId":"` + testSourceID + `"}}`, Rejected, SourceNotFound},
		{"the same over HTTP", 404, `{"code":404,"msg":"no source"}`, Rejected, SourceNotFound},
		{"another refusal", 200, `{"code":422,"msg":"no seed"}`, Rejected, Invalid},
		{"only the API knows of its sources", 404, `{"code":404,"message":"no source"}`, Unknown, Unavailable},
		{"broken, with words for what is missing", 200, `{"code":500,"msg":"no source"}`, Unknown, Unavailable},
		{"a missing source and a new task cannot both be", 200, `{"code":404,"msg":"no source","data":{"taskId":"` + testTaskID + `"}}`, Unknown, Unavailable},
		{"a continuation has an id of its own: this names none", 200, `{"code":200,"data":{"taskId":"` + testSourceID + `"}}`, Unknown, Unavailable},
		{"a refusal may repeat what was sent", 200, `{"code":429,"msg":"too fast","data":{"taskId":"` + testSourceID + `"}}`, Deferred, RateLimited},
	} {
		t.Run(fmt.Sprintf("%d %d %.40s", i, tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testContinuation)
			checkSubmission(t, got)
			if got.Outcome != tc.outcome || got.Err != nil && got.Err.Class != tc.class {
				t.Errorf("%s: got %s, %v, want %s, %s", tc.reason, got.Outcome, got.Err, tc.outcome, tc.class)
			}
		})
	}
}

// A family that has no words for a missing source has its refusals as they are.
func TestContinuationWithoutWords(t *testing.T) {
	purchase := testContinuation
	purchase.MissesSource = nil
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":422,"msg":"no source"}`))
	if got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), purchase); got.Outcome != Rejected || got.Err.Class != Invalid {
		t.Errorf("got %s, %v, want Rejected, %s", got.Outcome, got.Err, Invalid)
	}
}

// FuzzJudgeContinuation holds what a continuation has beyond another purchase.
func FuzzJudgeContinuation(f *testing.F) {
	for _, body := range []string{
		acceptedBody, `{"code":404,"msg":"x"}`, `{"code":404,"msg":"x","data":{"taskId":"` + testSourceID + `"}}`, `{"code":422,"msg":"no source"}`,
		`{"code":200,"taskId":"` + testSourceID + `"}`, `{"code":200,"taskId":"` + testSourceID + `","task_id":"a"}`, `<html>`, `{"code":500}`,
	} {
		for _, status := range []int{200, 302, 404, 422, 500} {
			f.Add(status, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a, err := readAnswer(answerOf(status, kieapi.TypeAPI, body))
		if err != nil {
			return
		}
		plain := judge(a, testKey, testCallbackURL)
		got := judgeContinuation(a, testContinuation, testKey, testCallbackURL)
		checkSubmission(t, got)
		if got.TaskID == testSourceID {
			t.Error("the source was taken for its own continuation")
		}
		if missing := got.Err != nil && got.Err.Class == SourceNotFound; missing && (got.Outcome != Rejected || a.from != theAPI) {
			t.Errorf("the source is missing, and still %s; from %d", got.Outcome, a.from)
		}
		if plain.Outcome == Accepted && plain.TaskID != testSourceID && got != plain {
			t.Errorf("got %+v, want %+v as for another purchase", got, plain)
		}
		if got.Outcome == Accepted && plain.Outcome != Accepted {
			t.Errorf("accepted, and another purchase would be %s", plain.Outcome)
		}
	})
}
