// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/version"
)

var testRequest = GenerateRequest{
	Prompt:            "A fox runs through fresh snow",
	CallbackURL:       testCallbackURL,
	EnableTranslation: true,
}

func TestGenerateSends(t *testing.T) {
	seconds, seed := int32(8), int32(41877)
	for _, tc := range []struct {
		name, reason string
		request      GenerateRequest
	}{
		{
			"minimal", "what is not set is not sent, except where the API's default has changed over time",
			testRequest,
		},
		{
			"full", "the spelling of each field is the API's own, and so is its mixture of styles",
			GenerateRequest{
				Prompt:         "Say \"fog\" & wait <5 s\nLeuchtturm im Nebel 🌫",
				ImageURLs:      []string{"https://images.example.com/first.png", "https://images.example.com/last.png?a=1&b=2"},
				Model:          "veo3_fast",
				GenerationType: "FIRST_AND_LAST_FRAMES_2_VIDEO",
				AspectRatio:    "9:16",
				Duration:       &seconds,
				Seed:           &seed,
				Watermark:      "© studio",
				CallbackURL:    testCallbackURL,
				EnableFallback: true,
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
			golden := testdata(t, "generate_"+tc.name+".json")
			want := received{
				Line: "POST /api/v1/veo/generate HTTP/1.1",
				Header: http.Header{
					"Accept":          {"application/json"},
					"Accept-Encoding": {"gzip"},
					"Authorization":   {"Bearer " + testKey},
					"Connection":      {"close"},
					"Content-Length":  {strconv.Itoa(len(golden))},
					"Content-Type":    {"application/json"},
					"User-Agent":      {version.UserAgent()},
					// No Idempotency-Key: the API does not know it, and Go's transport repeats requests that have one.
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

// The same 404 about a generation is about the endpoint: it has no source.
func TestGenerateHasNoSource(t *testing.T) {
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":404,"msg":"not found"}`))
	got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testRequest.Purchase())
	if got.Outcome != kie.Deferred || got.Err.Class != kie.NotFound {
		t.Errorf("got %s, %v, want Deferred, %s", got.Outcome, got.Err, kie.NotFound)
	}
}
