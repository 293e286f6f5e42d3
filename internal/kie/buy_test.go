// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

const (
	testCallbackURL = "https://kie.example.com/v1/callbacks/Zm94IGluIHNub3chISEhIQ"
	acceptedBody    = `{"code":200,"msg":"success","data":{"taskId":"` + testTaskID + `"}}`
)

// testPurchase is of no family in particular.
var testPurchase = Purchase{
	Path:        "/api/v1/family/buy",
	Body:        map[string]string{"prompt": "A fox runs through fresh snow", "callBackUrl": testCallbackURL},
	CallbackURL: testCallbackURL,
}

// checkSubmission holds what is true of every Submission.
func checkSubmission(t testing.TB, got Submission) {
	t.Helper()
	if accepted := got.Outcome == Accepted; accepted != (got.TaskID != "") || accepted != (got.Err == nil) {
		t.Errorf("a task id comes with Accepted and only then, an error with everything else: got %+v", got)
	}
	if got.TaskID != "" && !ValidTaskID(got.TaskID) {
		t.Errorf("the task id %q cannot be used", got.TaskID)
	}
	if got.Err == nil {
		return
	}
	if got.Err.Class == "" {
		t.Errorf("the error has no class: %+v", *got.Err)
	}
	for _, secret := range []string{testKey, testCallbackURL} {
		if strings.Contains(got.Err.Error(), secret) {
			t.Errorf("the error holds %s: %v", secret, got.Err)
		}
	}
	if got.Err.Own != (got.Err.Err == nil) {
		t.Errorf("the API's own word needs no other cause, and everything else has one: got %+v", *got.Err)
	}
	if len(got.Err.Message) > maxMessageBytes+len("…") || !utf8.ValidString(got.Err.Message) || strings.ContainsFunc(got.Err.Message, unicode.IsControl) {
		t.Errorf("the message is not fit to be shown: %q", got.Err.Message)
	}
}

func TestBuySends(t *testing.T) {
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
	got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
	if diff := cmp.Diff(Submission{Outcome: Accepted, TaskID: testTaskID}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	const body = `{"callBackUrl":"` + testCallbackURL + `","prompt":"A fox runs through fresh snow"}`
	want := received{
		Line: "POST /api/v1/family/buy HTTP/1.1",
		Header: http.Header{
			"Accept":          {"application/json"},
			"Accept-Encoding": {"gzip"},
			"Authorization":   {"Bearer " + testKey},
			"Connection":      {"close"},
			"Content-Length":  {strconv.Itoa(len(body))},
			"Content-Type":    {"application/json"},
			"User-Agent":      {userAgent},
			// No Idempotency-Key: the API does not know it, and Go's transport repeats requests that have one.
		},
		Body: body,
	}
	if diff := cmp.Diff(want, <-requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := server.Requests.Load(); n != 1 {
		t.Errorf("got %d requests, want 1", n)
	}
}

// An answer to a purchase is worth money. Deferred makes the purchase again,
// so only the API itself may say that nothing was bought.
func TestBuyAnswers(t *testing.T) {
	type row struct {
		reason  string
		status  int
		body    string
		outcome Outcome
		class   Class
		code    int
	}
	rows := []row{
		{"as documented", 200, acceptedBody, Accepted, "", 0},
		{"the ids of the documentation", 200, `{"code":200,"data":{"taskId":"veo_task_abcdef123456"}}`, Accepted, "", 0},
		{"the other spelling", 200, `{"code":200,"data":{"task_id":"a"}}`, Accepted, "", 0},
		{"the other place", 200, `{"code":200,"taskId":"a"}`, Accepted, "", 0},
		{"the other place and spelling, data null", 200, `{"code":200,"task_id":"a","data":null}`, Accepted, "", 0},
		{"the other place, data a text", 200, `{"code":200,"taskId":"a","data":"ok"}`, Accepted, "", 0},
		{"all places agree", 200, `{"code":200,"taskId":"a","task_id":"a","data":{"taskId":"a","task_id":" a "}}`, Accepted, "", 0},
		{"null is how the API says that there is nothing", 200, `{"code":200,"taskId":null,"task_id":"","data":{"taskId":"a","task_id":null}}`, Accepted, "", 0},
		{"a code as text", 200, `{"code":"200","data":{"taskId":"a"}}`, Accepted, "", 0},
		{"a code as a fraction that is none", 200, `{"code":200.0,"data":{"taskId":"a"}}`, Accepted, "", 0},
		{"the longest id", 200, `{"code":200,"data":{"taskId":"` + strings.Repeat("a", 128) + `"}}`, Accepted, "", 0},
		{"other fields do not matter", 200, `{"code":200,"msg":["x"],"data":{"taskId":"a","recordId":"b"},"x":{"taskId":"c"}}`, Accepted, "", 0},

		{"two ids in data", 200, `{"code":200,"data":{"taskId":"a","task_id":"b"}}`, Unknown, Unavailable, 200},
		{"two ids in two places", 200, `{"code":200,"taskId":"a","data":{"taskId":"b"}}`, Unknown, Unavailable, 200},
		{"an id too long", 200, `{"code":200,"data":{"taskId":"` + strings.Repeat("a", 129) + `"}}`, Unknown, Unavailable, 200},
		{"an id with a space", 200, `{"code":200,"data":{"taskId":"a b"}}`, Unknown, Unavailable, 200},
		{"an id with a control character", 200, `{"code":200,"data":{"taskId":"a\u0000"}}`, Unknown, Unavailable, 200},
		{"an id that is a number", 200, `{"code":200,"data":{"taskId":7}}`, Unknown, Unavailable, 200},
		{"an id that is an object", 200, `{"code":200,"data":{"taskId":{}}}`, Unknown, Unavailable, 200},
		{"one good id and one that is a number", 200, `{"code":200,"taskId":7,"data":{"taskId":"a"}}`, Unknown, Unavailable, 200},
		{"no id", 200, `{"code":200,"msg":"success","data":{}}`, Unknown, Unavailable, 200},
		{"an empty id", 200, `{"code":200,"data":{"taskId":""}}`, Unknown, Unavailable, 200},
		{"an id of nothing but space", 200, `{"code":200,"data":{"taskId":"  "}}`, Unknown, Unavailable, 200},
		{"data null", 200, `{"code":200,"msg":"success","data":null}`, Unknown, Unavailable, 200},
		{"data a text", 200, `{"code":200,"msg":"success","data":"` + testTaskID + `"}`, Unknown, Unavailable, 200},
		{"data a list", 200, `{"code":200,"data":[{"taskId":"a"}]}`, Unknown, Unavailable, 200},
		{"data missing", 200, `{"code":200,"msg":"success"}`, Unknown, Unavailable, 200},
		{"code missing", 200, `{"msg":"success","data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code missing, and no id", 200, `{"msg":"success"}`, Unknown, Unavailable, 0},
		{"code null", 200, `{"code":null,"data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code a word", 200, `{"code":"ok","data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code not a number", 200, `{"code":"NaN","data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code a fraction", 200, `{"code":200.5,"data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code out of range", 200, `{"code":1e300,"data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"code 0 is the success of other APIs", 200, `{"code":0,"data":{"taskId":"a"}}`, Unknown, Unavailable, 0},
		{"a code that nobody knows", 200, `{"code":999,"msg":"?"}`, Unknown, Unavailable, 999},
		{"nothing", 200, ``, Unknown, Unavailable, 0},
		{"a page", 200, `<html>hello</html>`, Unknown, Unavailable, 0},
		{"half a document", 200, acceptedBody[:len(acceptedBody)-1], Unknown, Unavailable, 0},
		{"more than a document", 200, acceptedBody + "}", Unknown, Unavailable, 0},
		{"a list", 200, `[` + acceptedBody + `]`, Unknown, Unavailable, 0},
		{"a text", 200, `"success"`, Unknown, Unavailable, 0},
		{"null", 200, `null`, Unknown, Unavailable, 0},
		{"other successes are none", 201, acceptedBody, Unknown, Unavailable, 201},
		{"other successes are none", 202, `{"code":200}`, Unknown, Unavailable, 202},
		{"other successes are none", 204, ``, Unknown, Unavailable, 204},

		{"a refusal that names a task is none", 200, `{"code":429,"data":{"taskId":"a"}}`, Unknown, Unavailable, 429},
		{"a refusal that names a task is none", 200, `{"code":422,"task_id":"a"}`, Unknown, Unavailable, 422},
		{"a refusal that names two tasks is none", 200, `{"code":402,"task_id":"a","data":{"taskId":"b"}}`, Unknown, Unavailable, 402},
		{"a refusal with an id of another form is none", 200, `{"code":429,"data":{"taskId":7}}`, Unknown, Unavailable, 429},
		{"a refusal that names a task is none", 403, `{"taskId":"a"}`, Unknown, Unavailable, 403},
		{"a redirect that names a task is no refusal", 302, acceptedBody, Unknown, Unavailable, 302},
		{"a refusal without an id, said with nulls", 200, `{"code":429,"msg":"","taskId":null,"data":{"taskId":null,"task_id":""}}`, Deferred, RateLimited, 429},

		// What is in front of the API may have passed the request on before it lost patience.
		{"the robot check of the gateway", 403, `error code: 1010`, Unknown, Unavailable, 403},
		{"an envelope of something else", 400, `{"status":400,"error":"Bad Request","path":"/"}`, Unknown, Unavailable, 400},
		{"a gateway that has codes too", 429, `{"code":429,"message":"API rate limit exceeded"}`, Unknown, Unavailable, 429},
		{"a gateway that has codes too, and no status", 200, `{"code":429,"message":"too many requests","data":null}`, Unknown, Unavailable, 429},
		{"all that is recorded of the API has a msg", 200, `{"code":402}`, Unknown, Unavailable, 402},
		{"a msg that is no text", 200, `{"code":402,"msg":null}`, Unknown, Unavailable, 402},
		{"a msg that is no text", 200, `{"code":402,"msg":{"en":"no credits"}}`, Unknown, Unavailable, 402},
		{"the API writes its codes as numbers", 200, `{"code":"402","msg":"no credits"}`, Unknown, Unavailable, 402},
		{"the API writes its codes without a fraction", 200, `{"code":402.0,"msg":"no credits"}`, Unknown, Unavailable, 402},
		{"a refusal in an envelope that is not at the top", 200, `{"error":{"code":402,"msg":"no credits"}}`, Unknown, Unavailable, 0},
		{"keys are written small", 200, `{"Code":402,"Msg":"no credits"}`, Unknown, Unavailable, 0},

		// Where the status and the code differ, two have spoken, or one that does not know what it says.
		{"the envelope says that it may have been made, the status that it was not", 404, `{"code":500,"msg":"?"}`, Unknown, Unavailable, 404},
		{"the envelope says that it may have been made, the status that it was not", 429, `{"code":500,"msg":"?"}`, Unknown, Unavailable, 429},
		{"the envelope says that it may have been made, the status that it was not", 400, `{"code":408,"msg":"?"}`, Unknown, Unavailable, 400},
		{"the envelope says that it was made, the status that it was not", 400, `{"code":200,"msg":"success"}`, Unknown, Unavailable, 400},
		{"the envelope says that it was made, the status that it was not", 401, `{"code":200,"msg":"success","data":null}`, Unknown, Unavailable, 401},
		{"the envelope says that it was made, the status that it is elsewhere", 302, `{"code":200,"msg":"success","data":null}`, Unknown, Unavailable, 302},
		{"both say no, in different words", 400, `{"code":422,"msg":"?"}`, Unknown, Unavailable, 400},
		{"both say no, in different words", 403, `{"code":401,"msg":"?"}`, Unknown, Unavailable, 403},
		{"the status says that something broke, whatever the envelope says", 500, `{"code":429,"msg":"?"}`, Unknown, Unavailable, 500},
		{"the status says that something broke, whatever the envelope says", 502, `{"code":401,"msg":"?"}`, Unknown, Unavailable, 502},
		{"the status says that something broke, whatever the envelope says", 501, `{"code":422,"msg":"?"}`, Unknown, Unavailable, 501},
		{"the API does not answer with redirects", 302, `{"code":302,"msg":"?"}`, Unknown, Unavailable, 302},
		{"the API has no proxies", 407, `{"code":407,"msg":"?"}`, Unknown, Unavailable, 407},
	}

	// The codes that the API documents, each with what it says of the money.
	for _, code := range []struct {
		reason  string
		code    int
		outcome Outcome
		class   Class
	}{
		{"breaks a policy", 400, Rejected, ContentRejected},
		{"the key is wrong", 401, Deferred, Unauthorized},
		{"no credits", 402, Deferred, InsufficientCredits},
		{"turned away", 403, Deferred, Forbidden},
		{"no such endpoint", 404, Deferred, NotFound},
		{"made, and then nothing was heard of it", 408, Unknown, Unavailable},
		{"breaks a rule", 422, Rejected, Invalid},
		{"too fast: the one refusal that surely made nothing", 429, Deferred, RateLimited},
		{"the cap of the key", 433, Deferred, KeyLimitReached},
		{"the image cannot be had", 451, Rejected, Invalid},
		{"maintenance", 455, Deferred, Maintenance},
		{"also said after the task was made", 500, Unknown, Unavailable},
		{"could not be made", 501, Rejected, GenerationFailed},
		{"lost on the way", 502, Unknown, Unavailable},
		{"lost on the way", 503, Unknown, Unavailable},
		{"lost on the way", 504, Unknown, Unavailable},
		{"not offered", 505, Rejected, FeatureDisabled},
	} {
		envelope := fmt.Sprintf(`{"code":%d,"msg":"words","data":null}`, code.code)
		rows = append(rows,
			row{code.reason + ", in the body", 200, envelope, code.outcome, code.class, code.code},
			row{code.reason + ", in the body as text", 200, fmt.Sprintf(`{"code":"%d","msg":"words"}`, code.code), Unknown, Unavailable, code.code},
			row{code.reason + ", over HTTP with the envelope", code.code, envelope, code.outcome, code.class, code.code},
		)
	}

	// Whatever the status, a page says nothing of the money.
	for _, status := range []int{
		300, 301, 302, 303, 304, 307, 308,
		400, 401, 402, 403, 404, 405, 407, 408, 409, 413, 415, 421, 422, 425, 429, 431, 433, 451, 455, 499,
		500, 501, 502, 503, 504, 505, 520, 524, 529,
	} {
		rows = append(rows,
			row{"a page", status, "<html>slow down</html>", Unknown, Unavailable, status},
			row{"nothing", status, "", Unknown, Unavailable, status},
			row{"an object of another API", status, fmt.Sprintf(`{"code":%d,"message":"words"}`, status), Unknown, Unavailable, status},
		)
	}

	for i, tc := range rows {
		t.Run(fmt.Sprintf("%d %d %.40s", i, tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != tc.outcome {
				t.Errorf("%s: got %s, want %s", tc.reason, got.Outcome, tc.outcome)
			}
			if got.Err != nil && (got.Err.Class != tc.class || got.Err.Code != tc.code) {
				t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *got.Err, tc.class, tc.code)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%s: bought %d times", tc.reason, n)
			}
		})
	}
}

// A status other than 200 is the API's own only if the answer is declared as
// JSON. With HTTP 200, where the API puts nearly all of its errors, it does not
// matter.
func TestBuyReadsTheContentType(t *testing.T) {
	for _, tc := range []struct {
		reason, contentType string
		status              int
		outcome             Outcome
	}{
		{"as recorded", "application/json;charset=UTF-8", 402, Deferred},
		{"without a character set", "application/json", 402, Deferred},
		{"with a space and in capitals", "Application/JSON; Charset=utf-8", 402, Deferred},
		{"a page", "text/html", 402, Unknown},
		{"a text", "text/plain; charset=utf-8", 402, Unknown},
		{"the JSON of gateways for their own errors", "application/problem+json", 402, Unknown},
		{"none", "", 402, Unknown},
		{"one that cannot be read", "application/json;;", 402, Unknown},
		{"the usual form of a refusal", "application/json;charset=UTF-8", 200, Deferred},
		{"the usual form of a refusal, declared as text", "text/plain", 200, Deferred},
	} {
		t.Run(fmt.Sprint(tc.status, " ", tc.contentType), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.AnsweringAs(tc.contentType, tc.status, `{"code":402,"msg":"no credits","data":null}`))
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != tc.outcome {
				t.Errorf("%s: got %s, %v, want %s", tc.reason, got.Outcome, got.Err, tc.outcome)
			}
		})
	}
}

func TestBuyFindsTheTaskID(t *testing.T) {
	for _, tc := range []struct{ reason, body, want string }{
		{"hexadecimal, as in life", acceptedBody, testTaskID},
		{"as documented", `{"code":200,"data":{"taskId":"veo_task_abcdef123456"}}`, "veo_task_abcdef123456"},
		{"space around it is no part of it", `{"code":200,"data":{"task_id":" a1\n"}}`, "a1"},
		{"printable is enough", `{"code":200,"taskId":"~!/?#%"}`, "~!/?#%"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(200, tc.body))
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
			if diff := cmp.Diff(Submission{Outcome: Accepted, TaskID: tc.want}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestBuyNeverFollowsRedirects(t *testing.T) {
	for _, tc := range []struct {
		reason string
		status int
	}{
		{"moved", 301},
		{"moved", 302},
		{"see the result elsewhere: that is what one says after the work is done", 303},
		{"moved, and Go would send the body again", 307},
		{"moved, and Go would send the body again", 308},
		{"no redirect, and no answer", 300},
		{"no redirect, and no answer", 304},
	} {
		for _, location := range []string{"another host", "the same host", "none"} {
			t.Run(fmt.Sprint(tc.status, " to ", location), func(t *testing.T) {
				elsewhere := kieapi.NewServer(t, kieapi.Answering(200, acceptedBody))
				server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
					switch location {
					case "another host":
						w.Header().Set("Location", elsewhere.URL+"/api/v1/family/buy")
					case "the same host":
						w.Header().Set("Location", "/api/v1/family/buy")
					}
					kieapi.Answering(tc.status, "")(w, r)
				})
				got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
				checkSubmission(t, got)
				if got.Outcome != Unknown || got.Err.Code != tc.status {
					t.Errorf("%s: got %s (%v), want Unknown: the API does not redirect, so this is not its word", tc.reason, got.Outcome, got.Err)
				}
				if here, there := server.Requests.Load(), elsewhere.Requests.Load(); here != 1 || there != 0 {
					t.Errorf("%s: got %d requests here and %d there, want 1 and 0", tc.reason, here, there)
				}
			})
		}
	}
}

// An answer may repeat what was sent; what is shown of it must not.
func TestBuyRedacts(t *testing.T) {
	for _, tc := range []struct{ reason, message, want string }{
		{"the key", "key " + testKey + " is unknown", "key [redacted] is unknown"},
		{"the callback URL, whose last part is a secret", "cannot call " + testCallbackURL + "!", "cannot call [redacted]!"},
		{"both, and more than once", testKey + testKey + testCallbackURL, "[redacted][redacted][redacted]"},
		{"line breaks and colours", "a\r\n\x1b[31mb\x00", "a [31mb"},
		{"turned letters", "a\u202eb\u2066c", "a b c"},
		{"length", strings.Repeat("é", 600), strings.Repeat("é", 256) + "…"},
	} {
		for _, status := range []int{200, 422} {
			t.Run(fmt.Sprint(tc.reason, " ", status), func(t *testing.T) {
				body, err := json.Marshal(map[string]any{"code": 422, "msg": tc.message})
				if err != nil {
					t.Fatal(err)
				}
				server := kieapi.NewServer(t, kieapi.Answering(status, string(body)))
				got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
				checkSubmission(t, got)
				if got.Outcome != Rejected || got.Err.Message != tc.want {
					t.Errorf("got %s, %q, want Rejected, %q", got.Outcome, got.Err.Message, tc.want)
				}
			})
		}
	}
}

// answerOf is an answer as it comes from a transport.
func answerOf(status int, contentType string, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(body))}
}

// FuzzJudge holds what must be true of every answer to a purchase, whatever is
// in it. Above all, only the API's own envelope may say that nothing was bought.
func FuzzJudge(f *testing.F) {
	for _, body := range []string{
		acceptedBody, "", "null", "[]", `""`, "{}", "error code: 1010", "<html></html>", `{"code":200}`, `{"code":500,"msg":"x"}`,
		`{"code":200,"taskId":"a","data":{"task_id":"b"}}`, `{"code":"429","data":"x"}`, `{"code":422,"data":{"taskId":7}}`,
		`{"code":200,"data":{"taskId":"` + strings.Repeat("x", 129) + `"}}`, `{"code":1e2,"code":2e2,"data":{"taskId":"é"}}`,
		`{"code":401,"msg":"` + testKey + `\u001b\n` + testCallbackURL + `"}`, `{"code":404,"message":"` + strings.Repeat("é", 1000) + `"}`,
	} {
		for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 422, 429, 500, 501, 502} {
			f.Add(status, kieapi.TypeAPI, []byte(body))
			f.Add(status, kieapi.TypePage, []byte(body))
		}
	}
	for _, body := range []string{`{"code":429,"msg":"slow down"}`, `{"code":429,"message":"slow down"}`, `{"code":429,"msg":7}`, `{"code":429.0,"msg":"x"}`, `{"Code":429,"Msg":"x"}`} {
		f.Add(429, kieapi.TypeAPI, []byte(body))
		f.Add(429, kieapi.TypePage, []byte(body))
		f.Add(200, kieapi.TypeAPI, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		a, err := readAnswer(answerOf(status, contentType, body))
		if err != nil {
			if len(body) <= maxResponseBytes {
				t.Errorf("the body was read, and still: %v", err)
			}
			return
		}
		got := judge(a, testKey, testCallbackURL)
		checkSubmission(t, got)

		var root map[string]any
		_ = json.Unmarshal(body, &root)
		data, _ := root["data"].(map[string]any)
		var ids []any
		for _, id := range []any{root["taskId"], root["task_id"], data["taskId"], data["task_id"]} {
			if text, isText := id.(string); id != nil && (!isText || strings.TrimSpace(text) != "") {
				ids = append(ids, id)
			}
		}
		switch got.Outcome {
		case Accepted:
			if status != 200 || a.code != 200 {
				t.Errorf("accepted with status %d and code %d", status, a.code)
			}
			for _, id := range ids {
				if text, _ := id.(string); strings.TrimSpace(text) != got.TaskID {
					t.Errorf("accepted as %q although it names %v", got.TaskID, ids)
				}
			}
		case Deferred, Rejected:
			if len(ids) != 0 {
				t.Errorf("%s although it names %v", got.Outcome, ids)
			}
			if slices.Contains([]int{200, 408, 500, 502, 503, 504}, a.code) {
				t.Errorf("%s although code %d leaves open whether the task was made", got.Outcome, a.code)
			}
			code, isNumber := root["code"].(float64)
			if _, isText := root["msg"].(string); !isNumber || !isText || code != math.Trunc(code) {
				t.Errorf("%s although this is not the API's envelope: %q", got.Outcome, body)
			}
			if status != 200 && (int(code) != status || !strings.Contains(strings.ToLower(contentType), "json")) {
				t.Errorf("%s although status %d and type %q are not the API's own", got.Outcome, status, contentType)
			}
		case Unknown:
		default:
			t.Errorf("got %s for a request that was sent", got.Outcome)
		}
	})
}
