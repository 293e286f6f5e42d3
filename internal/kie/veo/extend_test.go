// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/version"
)

const testSourceID = "0c3e9b7d48e2a6c4f80b1d2e3a475a1f"

var testExtension = ExtendRequest{
	TaskID:      testSourceID,
	Prompt:      "The fox looks back",
	CallbackURL: testCallbackURL,
}

func TestExtendSends(t *testing.T) {
	seed := int32(41877)
	for _, tc := range []struct {
		name, reason string
		request      ExtendRequest
	}{
		{"minimal", "what is not set is not sent", ExtendRequest{TaskID: testSourceID, Prompt: "The fox looks back"}},
		{
			"full", "the spelling of each field is the API's own, and the model has words of its own",
			ExtendRequest{
				TaskID: testSourceID, Prompt: "The fox looks back & waits 🦊", Seed: &seed, Model: ExtendModel("veo3"),
				Watermark: "© studio", CallbackURL: testCallbackURL,
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			type received struct {
				Line   string
				Header http.Header
				Body   string
			}
			requests := make(chan received, 1)
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				requests <- received{r.Method + " " + r.RequestURI + " " + r.Proto, r.Header.Clone(), string(body)}
				kieapi.Answering(200, acceptedBody)(w, r)
			})
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), tc.request.Purchase())
			if diff := cmp.Diff(kie.Submission{Outcome: kie.Accepted, TaskID: testTaskID}, got); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			golden := testdata(t, "extend_"+tc.name+".json")
			want := received{
				Line: "POST /api/v1/veo/extend HTTP/1.1",
				Header: http.Header{
					"Accept":          {"application/json"},
					"Accept-Encoding": {"gzip"},
					"Authorization":   {"Bearer " + testKey},
					"Connection":      {"close"}, // a purchase has a connection of its own
					"Content-Length":  {strconv.Itoa(len(golden))},
					"Content-Type":    {"application/json"},
					"User-Agent":      {version.UserAgent()},
				},
				Body: string(golden),
			}
			if diff := cmp.Diff(want, <-requests); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
		})
	}
}

// What differs from TestBuyAnswers, and a few of its rows to show that the
// rest is the same.
func TestExtendAnswers(t *testing.T) {
	for i, tc := range []struct {
		reason  string
		status  int
		body    string
		outcome kie.Outcome
		class   kie.Class
		code    int
	}{
		{"as documented", 200, acceptedBody, kie.Accepted, "", 0},
		{"the other place and spelling", 200, `{"code":200,"task_id":"` + testTaskID + `","data":null}`, kie.Accepted, "", 0},

		{"the original is missing, says the API", 200, `{"code":404,"msg":"The original video does not exist","data":null}`, kie.Rejected, kie.SourceNotFound, 404},
		{"the same over HTTP", 404, `{"code":404,"msg":"not found"}`, kie.Rejected, kie.SourceNotFound, 404},
		{"the same, naming what is missing", 200, `{"code":404,"msg":"not found","data":{"taskId":"` + testSourceID + `"}}`, kie.Rejected, kie.SourceNotFound, 404},
		{"the sister endpoints' words for an id they do not know", 200, `{"code":422,"msg":"record is null","data":null}`, kie.Rejected, kie.SourceNotFound, 422},
		{"the sister endpoints' words for an id they do not know", 200, `{"code":422,"msg":"recordInfo is null"}`, kie.Rejected, kie.SourceNotFound, 422},
		{"the sister endpoints' words for an id they have forgotten", 422, `{"code":422,"msg":"Temporarily supports records within 14 days"}`, kie.Rejected, kie.SourceNotFound, 422},
		{"the same with another verb", 200, `{"code":422,"msg":"Record does not exist","data":null}`, kie.Rejected, kie.SourceNotFound, 422},
		{"the same as a bad request", 200, `{"code":400,"msg":"Record does not exist","data":null}`, kie.Rejected, kie.SourceNotFound, 400},
		{"the original is missing, in the words of the documentation", 200, `{"code":422,"msg":"The original video does not exist"}`, kie.Rejected, kie.SourceNotFound, 422},
		{"the original is there and not finished", 200, `{"code":422,"msg":"record status is not success"}`, kie.Rejected, kie.Invalid, 422},
		{"something else is missing", 200, `{"code":422,"msg":"The model does not exist"}`, kie.Rejected, kie.Invalid, 422},
		{"another rule was broken", 200, `{"code":422,"msg":"videos generated after 1080P generation cannot be extended"}`, kie.Rejected, kie.Invalid, 422},

		{"a gateway knows of no videos", 404, `<html>not found</html>`, kie.Unknown, kie.Unavailable, 404},
		{"another API knows of no videos", 404, `{"status":404,"error":"Not Found","path":"/api/v1/veo/extend"}`, kie.Unknown, kie.Unavailable, 404},
		{"another API with codes knows of no videos", 404, `{"code":404,"message":"Record does not exist"}`, kie.Unknown, kie.Unavailable, 404},
		{"there is nothing that can be posted to", 405, `{"code":405,"msg":"method not allowed"}`, kie.Deferred, kie.NotFound, 405},
		{"moved", 302, ``, kie.Unknown, kie.Unavailable, 302},
		{"two have spoken", 404, `{"code":422,"msg":"record is null"}`, kie.Unknown, kie.Unavailable, 404},
		{"the envelope says that it may have been made", 404, `{"code":500,"msg":"record is null"}`, kie.Unknown, kie.Unavailable, 404},
		{"the status says that something broke", 500, `{"code":404,"msg":"not found"}`, kie.Unknown, kie.Unavailable, 500},
		{"a missing source and a new task cannot both be", 200, `{"code":404,"msg":"not found","data":{"taskId":"` + testTaskID + `"}}`, kie.Unknown, kie.Unavailable, 404},
		{"broken, with words for what is missing", 200, `{"code":500,"msg":"record is null"}`, kie.Unknown, kie.Unavailable, 500},

		{"an extension has an id of its own: this names none", 200, `{"code":200,"data":{"taskId":"` + testSourceID + `"}}`, kie.Unknown, kie.Unavailable, 200},
		{"both ids are there, and nobody says which is which", 200, `{"code":200,"taskId":"` + testSourceID + `","data":{"taskId":"` + testTaskID + `"}}`, kie.Unknown, kie.Unavailable, 200},
		{"a refusal may repeat what was sent", 200, `{"code":429,"msg":"too fast","data":{"taskId":"` + testSourceID + `"}}`, kie.Deferred, kie.RateLimited, 429},
		{"a refusal may repeat what was sent", 200, `{"code":400,"msg":"policy","taskId":"` + testSourceID + `"}`, kie.Rejected, kie.ContentRejected, 400},
		{"a failure that repeats what was sent is as open as without", 200, `{"code":500,"msg":"broken","data":{"taskId":"` + testSourceID + `"}}`, kie.Unknown, kie.Unavailable, 500},

		{"breaks a policy", 200, `{"code":400,"msg":"no"}`, kie.Rejected, kie.ContentRejected, 400},
		{"the key is wrong", 200, `{"code":401,"msg":"no"}`, kie.Deferred, kie.Unauthorized, 401},
		{"no credits", 200, `{"code":402,"msg":"no"}`, kie.Deferred, kie.InsufficientCredits, 402},
		{"too fast", 200, `{"code":429,"msg":"no"}`, kie.Deferred, kie.RateLimited, 429},
		{"maintenance", 200, `{"code":455,"msg":"no"}`, kie.Deferred, kie.Maintenance, 455},
		{"could not be made", 200, `{"code":501,"msg":"no"}`, kie.Rejected, kie.GenerationFailed, 501},
		{"not offered", 200, `{"code":505,"msg":"no"}`, kie.Rejected, kie.FeatureDisabled, 505},
		{"a gateway that lost the answer", 502, `<html>bad gateway</html>`, kie.Unknown, kie.Unavailable, 502},
		{"nothing", 200, ``, kie.Unknown, kie.Unavailable, 0},
	} {
		t.Run(fmt.Sprintf("%d %d %.40s", i, tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testExtension.Purchase())
			if got.Outcome != tc.outcome {
				t.Errorf("%s: got %s, want %s", tc.reason, got.Outcome, tc.outcome)
			}
			if got.Err != nil && (got.Err.Class != tc.class || got.Err.Code != tc.code) {
				t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *got.Err, tc.class, tc.code)
			}
			if got.TaskID == testSourceID {
				t.Errorf("%s: the source was taken for its own continuation", tc.reason)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%s: bought %d times", tc.reason, n)
			}
		})
	}
}

func TestExtendNotSent(t *testing.T) {
	server := kieapi.NewServer(t, kieapi.Answering(200, acceptedBody))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		reason string
		ctx    context.Context
		ep     kie.Endpoint
	}{
		{"nobody listens", t.Context(), endpointAt("http://" + kieapi.RefusingAddress(t))},
		{"it was over before it began", cancelled, endpointAt(server.URL)},
		{"no request can be made of it", t.Context(), endpointAt("http://bad host")},
	} {
		got := newTestClient(t).Buy(tc.ctx, tc.ep, testExtension.Purchase())
		if got.Outcome != kie.NotSent {
			t.Errorf("%s: got %s, %v, want NotSent", tc.reason, got.Outcome, got.Err)
		}
	}
	if n := server.Requests.Load(); n != 0 {
		t.Errorf("got %d requests, want 0", n)
	}
}

func TestExtendModel(t *testing.T) {
	for _, tc := range []struct{ reason, model, want string }{
		{"the dearest", "veo3", "quality"},
		{"the default", "veo3_fast", "fast"},
		{"the cheapest", "veo3_lite", "lite"},
		{"none is the API's default", "", ""},
		{"a word of this endpoint", "quality", "quality"},
		{"the API refuses what it does not know", "veo4", "veo4"},
	} {
		if got := ExtendModel(tc.model); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}
