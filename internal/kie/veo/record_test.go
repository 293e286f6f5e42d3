// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

const testVideo = "https://tempfile.aiquickdraw.com/v/5a1f0c3e9b7d48e2a6c4f80b1d2e3a47_1790000071.mp4"

// testCreated is the time in the captured records.
var testCreated = time.UnixMilli(1790000000000)

// recordOf asks a server that gives one answer.
func recordOf(t testing.TB, status int, body string) (kie.Record, error) {
	t.Helper()
	server := kieapi.NewServer(t, kieapi.Answering(status, body))
	record, err := Record(t.Context(), newTestClient(t), endpointAt(server.URL), testTaskID)
	if n := server.Requests.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	return record, err
}

func recordBody(data string) string { return `{"code":200,"msg":"success","data":` + data + `}` }

func TestRecordInfoAsks(t *testing.T) {
	for _, tc := range []struct{ reason, taskID, want string }{
		{"as in life", testTaskID, "GET /api/v1/veo/record-info?taskId=" + testTaskID},
		{"an id may have any printable character, and must stay one parameter", "a&b=c?d#e/../%00+f", "GET /api/v1/veo/record-info?taskId=a%26b%3Dc%3Fd%23e%2F..%2F%2500%2Bf"},
	} {
		lines := make(chan string, 1)
		server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
			lines <- r.Method + " " + r.RequestURI
			kieapi.Answering(200, recordBody(`{"successFlag":0}`))(w, r)
		})
		record, err := Record(t.Context(), newTestClient(t), endpointAt(server.URL), tc.taskID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(kie.Record{TaskID: tc.taskID, State: kie.RecordRunning}, record); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if diff := cmp.Diff(tc.want, <-lines); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestRecordInfo(t *testing.T) {
	running := kie.Record{TaskID: testTaskID, State: kie.RecordRunning}
	failed := kie.Record{TaskID: testTaskID, State: kie.RecordFailed}
	succeeded := func(urls ...string) kie.Record {
		return kie.Record{TaskID: testTaskID, State: kie.RecordSucceeded, ResultURLs: urls}
	}
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = fmt.Sprintf("https://files.example.com/%d.mp4", i)
	}
	array, err := json.Marshal(thousand)
	if err != nil {
		t.Fatal(err)
	}

	for _, tc := range []struct {
		name, reason string
		body         string
		want         kie.Record
	}{
		{
			"running", "the shape while it runs", string(testdata(t, "record_running.json")),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, CreatedAt: testCreated, CallbackURL: testCallbackURL},
		},
		{
			"succeeded", "the captured shape", string(testdata(t, "record_succeeded.json")),
			kie.Record{
				TaskID: testTaskID, State: kie.RecordSucceeded, ResultURLs: []string{testVideo}, HasAudio: []bool{true}, Seeds: []int32{41877},
				Resolution: "720p", CreatedAt: testCreated, CompletedAt: testCreated.Add(74 * time.Second), CallbackURL: testCallbackURL,
			},
		},
		{
			"failed", "the query succeeds, the task does not", string(testdata(t, "record_failed.json")),
			kie.Record{
				TaskID: testTaskID, State: kie.RecordFailed, CreatedAt: testCreated, CompletedAt: testCreated.Add(31 * time.Second),
				ErrorCode: 422, ErrorMessage: "failed", CallbackURL: testCallbackURL,
			},
		},

		{"null", "other families answer so for an id they do not know", `{"code":200,"msg":"success","data":null}`, kie.Record{TaskID: testTaskID, State: kie.RecordAbsent}},
		{"no data", "the same, said shorter", `{"code":200,"msg":"success"}`, kie.Record{TaskID: testTaskID, State: kie.RecordAbsent}},
		{"empty text", "the same, said with a text", `{"code":200,"data":""}`, kie.Record{TaskID: testTaskID, State: kie.RecordAbsent}},

		{"data as text", "a text that holds the object", recordBody(`"{\"successFlag\":0}"`), running},
		{"response as text", "a text that holds the object", recordBody(`{"successFlag":1,"response":"{\"resultUrls\":[\"` + testVideo + `\"]}"}`), succeeded(testVideo)},
		{"response as empty text", "no response yet", recordBody(`{"successFlag":0,"response":""}`), running},
		{"URLs as text", "a text that holds the list", recordBody(`{"successFlag":1,"response":{"resultUrls":"[\"` + testVideo + `\"]"}}`), succeeded(testVideo)},
		{"URLs in brackets", "a text that only looks like a list", recordBody(`{"successFlag":1,"response":{"resultUrls":"[https://a.example/1, https://a.example/2]"}}`), succeeded("https://a.example/1", "https://a.example/2")},
		{"one URL as text", "a list of one, without the brackets", recordBody(`{"successFlag":1,"response":{"resultUrls":"` + testVideo + `"}}`), succeeded(testVideo)},
		{"URLs in data", "where they were before 2026", recordBody(`{"successFlag":1,"resultUrls":["` + testVideo + `"]}`), succeeded(testVideo)},
		{"URLs in data as text", "where and how they were before 2026", recordBody(`{"successFlag":1,"response":null,"resultUrls":"[\"` + testVideo + `\"]"}`), succeeded(testVideo)},
		{"URLs in data, null in the response", "one of the two places has them", recordBody(`{"successFlag":1,"response":{"resultUrls":null},"resultUrls":["` + testVideo + `"]}`), succeeded(testVideo)},
		{"URLs in both", "the newer place counts", recordBody(`{"successFlag":1,"response":{"resultUrls":["https://a.example/new"]},"resultUrls":["https://a.example/old"]}`), succeeded("https://a.example/new")},
		{
			"all kinds of URLs", "each list for itself",
			recordBody(`{"successFlag":1,"response":{"resultUrls":["https://a.example/r"],"originUrls":["https://a.example/o"],"fullResultUrls":"[https://a.example/f]","resolution":"1080p"},"fallbackFlag":true}`),
			kie.Record{
				TaskID: testTaskID, State: kie.RecordSucceeded, ResultURLs: []string{"https://a.example/r"}, OriginURLs: []string{"https://a.example/o"},
				FullResultURLs: []string{"https://a.example/f"}, Resolution: "1080p", FallbackUsed: true,
			},
		},
		{
			"only the whole film", "what there is after an extension", recordBody(`{"successFlag":1,"response":{"fullResultUrls":["https://a.example/f"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordSucceeded, FullResultURLs: []string{"https://a.example/f"}},
		},

		{
			"origin before the end", "seen in life: the response can be there before the task is finished",
			recordBody(`{"successFlag":0,"response":{"originUrls":["https://a.example/o"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, OriginURLs: []string{"https://a.example/o"}},
		},
		{
			"result before the end", "only the flag says that the task is finished",
			recordBody(`{"successFlag":0,"completeTime":1,"response":{"resultUrls":["https://a.example/r"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, ResultURLs: []string{"https://a.example/r"}},
		},
		{"success without response", "a success without a video is none yet", recordBody(`{"successFlag":1,"response":null}`), running},
		{"success without URLs", "a success without a video is none yet", recordBody(`{"successFlag":1,"response":{"resultUrls":[]}}`), running},
		{"success without usable URLs", "a success without a video is none yet", recordBody(`{"successFlag":1,"response":{"resultUrls":["ftp://a.example/1",""]}}`), running},
		{
			"success with origin only", "the video before scaling is not the result",
			recordBody(`{"successFlag":1,"response":{"originUrls":["https://a.example/o"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, OriginURLs: []string{"https://a.example/o"}},
		},
		{
			"images of the request", "what was sent is not what was made",
			recordBody(`{"successFlag":1,"paramJson":"{\"resultUrls\":[\"https://a.example/in.png\"],\"imageUrls\":[\"https://a.example/in.png\"]}","imageUrls":["https://a.example/in.png"],"response":{"imageUrls":["https://a.example/in.png"]}}`), running,
		},

		{"flag 2", "failed before it was finished", recordBody(`{"successFlag":2}`), failed},
		{"flag 3", "failed upstream", recordBody(`{"successFlag":3}`), failed},
		{"flag 7", "what is not known ends the task", recordBody(`{"successFlag":7}`), failed},
		{"flag -1", "what is not known ends the task", recordBody(`{"successFlag":-1}`), failed},
		{"flag as text", "as text", recordBody(`{"successFlag":"3"}`), failed},
		{"running flag as text", "as text", recordBody(`{"successFlag":"0"}`), running},
		{"flag as a fraction that is none", "a number is a number", recordBody(`{"successFlag":0.0}`), running},
		{
			"failed with URLs", "a failure has no result, whatever is beside it",
			recordBody(`{"successFlag":2,"response":{"resultUrls":["https://a.example/r"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordFailed, ResultURLs: []string{"https://a.example/r"}},
		},
		{
			"error code as text", "as text", recordBody(`{"successFlag":3,"errorCode":"501","errorMessage":"no"}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordFailed, ErrorCode: 501, ErrorMessage: "no"},
		},
		{
			"error code a word", "it only informs", recordBody(`{"successFlag":3,"errorCode":"E_FAIL","errorMessage":null}`), failed,
		},
		{
			"error message with secrets", "it is shown to people",
			recordBody(`{"successFlag":3,"paramJson":"{\"callBackUrl\":\"` + testCallbackURL + `\"}","errorMessage":"` + testKey + `\n\u001b[1m` + testCallbackURL + `\u0000"}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordFailed, ErrorMessage: "[redacted] [1m[redacted]", CallbackURL: testCallbackURL},
		},
		{
			"error message of any length", "it is kept in the cluster",
			recordBody(`{"successFlag":3,"errorMessage":"` + strings.Repeat("x", 100_000) + `"}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordFailed, ErrorMessage: strings.Repeat("x", 512) + "…"},
		},

		{"the same id", "it is this task", recordBody(`{"taskId":"` + testTaskID + `","successFlag":0}`), running},
		{"no id", "whoever answers knows what was asked", recordBody(`{"successFlag":0,"taskId":null}`), running},
		{
			"other schemes", "only what can be fetched safely is kept, each in its place",
			recordBody(`{"successFlag":1,"response":{"resultUrls":["file:///etc/passwd","javascript:alert(1)","https:///x","//a.example/1","https://a.example/1","/x","HTTP://a.example/2","data:video/mp4;base64,AA=="]}}`),
			succeeded("", "", "", "", "https://a.example/1", "", "HTTP://a.example/2", ""),
		},
		{"a thousand URLs", "as many as are believed", recordBody(`{"successFlag":1,"response":{"resultUrls":` + string(array) + `}}`), succeeded(thousand[:16]...)},
		{
			"a long URL", "as long as is believed",
			recordBody(`{"successFlag":1,"response":{"resultUrls":["https://a.example/` + strings.Repeat("x", 3000) + `","` + testVideo + `"]}}`), succeeded("", testVideo),
		},
		{"a long resolution", "it is a word", recordBody(`{"successFlag":0,"response":{"resolution":"` + strings.Repeat("9", 17) + `p"}}`), running},

		{"paramJson malformed", "it only proves something if it can be read", recordBody(`{"successFlag":0,"paramJson":"{\"prompt\":\"\\h\"}"}`), running},
		{"paramJson a list", "it only proves something if it can be read", recordBody(`{"successFlag":0,"paramJson":["x"]}`), running},
		{
			"paramJson an object", "the same without the text around it", recordBody(`{"successFlag":0,"paramJson":{"callBackUrl":"` + testCallbackURL + `"}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, CallbackURL: testCallbackURL},
		},
		{"no callback URL", "none was sent", recordBody(`{"successFlag":0,"paramJson":"{\"callBackUrl\":null}"}`), running},
		{"callback URL elsewhere", "what proves a purchase is the echo of its request", recordBody(`{"successFlag":0,"callBackUrl":"` + testCallbackURL + `","response":{"callBackUrl":"` + testCallbackURL + `"}}`), running},
		{"fallback as text", "as text", recordBody(`{"successFlag":0,"fallbackFlag":"true"}`), kie.Record{TaskID: testTaskID, State: kie.RecordRunning, FallbackUsed: true}},
		{"fallback as number", "as a number", recordBody(`{"successFlag":0,"fallbackFlag":1}`), kie.Record{TaskID: testTaskID, State: kie.RecordRunning, FallbackUsed: true}},
		{"fallback null", "no", recordBody(`{"successFlag":0,"fallbackFlag":null}`), running},
		{"times", "a time without a zone says nothing", recordBody(`{"successFlag":0,"createTime":"2026-01-02 03:04:05","completeTime":"2026-01-02 03:05:06"}`), running},
		{"no times", "it is not finished", recordBody(`{"successFlag":0,"createTime":{},"completeTime":null}`), running},
		{
			"finished, and not yet said so", "seen on a sister endpoint: only the flag says that the task is finished",
			recordBody(`{"successFlag":0,"completeTime":1790000074000}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, CompletedAt: testCreated.Add(74 * time.Second)},
		},
		{"the whole film is null", "what is there of an extension since spring 2026", recordBody(`{"successFlag":1,"response":{"resultUrls":["` + testVideo + `"],"fullResultUrls":null}}`), succeeded(testVideo)},
		{"the other spelling of the id", "some answers of the API have it", recordBody(`{"task_id":"` + testTaskID + `","successFlag":0}`), running},
		{"the id in both spellings", "it is this task", recordBody(`{"taskId":"` + testTaskID + `","task_id":"` + testTaskID + `","successFlag":0}`), running},
		{"no id, said with nulls", "whoever answers knows what was asked", recordBody(`{"taskId":null,"task_id":"","successFlag":0}`), running},
		{
			"credits in data", "they seldom come, and where is not documented", recordBody(`{"successFlag":0,"creditsConsumed":60}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, Credits: paid(60)},
		},
		{
			"credits in the response", "the newer place counts", recordBody(`{"successFlag":0,"creditsConsumed":60,"response":{"creditsConsumed":"64.5"}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, Credits: paid(64.5)},
		},
		{
			"no credits", "nothing is also an amount", recordBody(`{"successFlag":3,"creditsConsumed":0}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordFailed, Credits: paid(0)},
		},
		{"credits null", "not said", recordBody(`{"successFlag":0,"creditsConsumed":null,"response":{"creditsConsumed":null}}`), running},
		{"credits a word", "not said", recordBody(`{"successFlag":0,"creditsConsumed":"many"}`), running},
		{"credits below nothing", "nobody gets credits for a video", recordBody(`{"successFlag":0,"creditsConsumed":-5}`), running},
		{"credits without end", "an amount that nobody can have paid is not said, and the record stays", recordBody(`{"successFlag":0,"creditsConsumed":1e40}`), running},
		{"credits without end, as text", "the same", recordBody(`{"successFlag":0,"creditsConsumed":"1e40"}`), running},
		{"credits that are no number", "not said", recordBody(`{"successFlag":0,"creditsConsumed":"NaN"}`), running},
		{
			"credits to the last bit", "a credit is half a cent, and has thousandths", recordBody(`{"successFlag":0,"creditsConsumed":64.50000000000001}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, Credits: paid(64.5)},
		},
		{
			"sound", "one truth for each result", recordBody(`{"successFlag":0,"response":{"hasAudioList":[true,false]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, HasAudio: []bool{true, false}},
		},
		{
			"sound in data", "where older answers have their lists", recordBody(`{"successFlag":0,"hasAudioList":"[false]"}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, HasAudio: []bool{false}},
		},
		{"no word on the sound", "not said", recordBody(`{"successFlag":0,"response":{"hasAudioList":null}}`), running},
		{"half a word on the sound", "which result it is about is not said", recordBody(`{"successFlag":0,"response":{"hasAudioList":[true,null]}}`), running},
		{
			"seeds", "one for each result", recordBody(`{"successFlag":0,"response":{"seeds":[56896,"10000"]}}`),
			kie.Record{TaskID: testTaskID, State: kie.RecordRunning, Seeds: []int32{56896, 10000}},
		},
		{"a seed too large", "it could not be used again", recordBody(`{"successFlag":0,"response":{"seeds":[1e40]}}`), running},
		{"half of the seeds", "which result they are of is not said", recordBody(`{"successFlag":0,"response":{"seeds":[56896,null]}}`), running},
		{"no seeds", "not said", recordBody(`{"successFlag":0,"response":{"seeds":[]}}`), running},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := recordOf(t, 200, tc.body)
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// Some refusals are states in truth.
func TestRecordInfoRefusalsThatAreStates(t *testing.T) {
	refusal := func(code int, message string) string {
		body, err := json.Marshal(map[string]any{"code": code, "msg": message, "data": nil})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, tc := range []struct {
		reason string
		status int
		body   string
		want   kie.RecordState
	}{
		{"documented", 200, refusal(422, "record is null"), kie.RecordAbsent},
		{"seen on other families", 200, refusal(422, "recordInfo is null"), kie.RecordAbsent},
		{"seen", 200, refusal(422, "Record does not exist"), kie.RecordAbsent},
		{"the same as a bad request", 200, refusal(400, "Record does not exist"), kie.RecordAbsent},
		{"documented", 200, refusal(422, "Temporarily supports records within 14 days"), kie.RecordExpired},
		{"documented", 200, refusal(422, "record result data is blank"), kie.RecordRunning},
		{"documented", 200, refusal(422, "record status is not success"), kie.RecordRunning},
		{"documented", 200, refusal(422, "record result data not exist"), kie.RecordRunning},
		{"documented", 200, refusal(422, "record result data is empty"), kie.RecordRunning},
		{"the same over HTTP", 422, refusal(422, "record is null"), kie.RecordAbsent},
		{"one client has met it", 200, refusal(404, "task not found"), kie.RecordAbsent},
		{"one client has met it over HTTP", 404, refusal(404, ""), kie.RecordAbsent},
		{"some pages of the documentation write message", 200, `{"code":422,"message":"record is null","data":null}`, kie.RecordAbsent},
	} {
		t.Run(fmt.Sprint(tc.status, tc.body), func(t *testing.T) {
			got, err := recordOf(t, tc.status, tc.body)
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(kie.Record{TaskID: testTaskID, State: tc.want, FromRefusal: true}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// Invalid, ContentRejected, GenerationFailed and FeatureDisabled end a task, so
// only the API itself may say them.
func TestRecordInfoErrors(t *testing.T) {
	for _, tc := range []struct {
		reason string
		status int
		body   string
		class  kie.Class
		code   int
	}{
		{"seen in life for rejected prompts", 200, `{"code":400,"msg":"Your prompt was flagged"}`, kie.ContentRejected, 400},
		{"the same over HTTP", 400, `{"code":400,"msg":"Your prompt was flagged"}`, kie.ContentRejected, 400},
		{"422 with other words is a refusal", 200, `{"code":422,"msg":"Validation Error"}`, kie.Invalid, 422},
		{"422 without words is a refusal", 200, `{"code":422,"msg":""}`, kie.Invalid, 422},
		{"a refusal that stays has to be clearly the API's", 200, `{"code":422}`, kie.Unavailable, 422},
		{"a refusal that stays has to be clearly the API's", 200, `{"code":400,"message":"bad request"}`, kie.Unavailable, 400},
		{"a refusal that stays has to be clearly the API's", 200, `{"code":404,"message":"no route"}`, kie.Unavailable, 404},
		{"something else is null", 200, `{"code":422,"msg":"prompt is null"}`, kie.Invalid, 422},
		{"something else does not exist", 200, `{"code":422,"msg":"The image does not exist"}`, kie.Invalid, 422},
		{"something else is empty", 200, `{"code":422,"msg":"imageUrls is empty"}`, kie.Invalid, 422},
		{"the key", 200, `{"code":401,"msg":"You do not have access permissions"}`, kie.Unauthorized, 401},
		{"too fast", 200, `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`, kie.RateLimited, 429},
		{"too fast, over HTTP", 429, `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`, kie.RateLimited, 429},
		{"the key, over HTTP", 401, `{"code":401,"msg":"You do not have access permissions"}`, kie.Unauthorized, 401},
		{"maintenance", 200, `{"code":455}`, kie.Maintenance, 455},
		{"broken", 200, `{"code":500,"msg":"record is null"}`, kie.Unavailable, 500},
		{"broken, over HTTP", 500, `{"code":500,"msg":"broken"}`, kie.Unavailable, 500},
		{"a gateway", 502, `<html></html>`, kie.Unavailable, 502},
		{"a gateway", 503, `<html></html>`, kie.Unavailable, 503},
		{"a gateway", 504, `<html></html>`, kie.Unavailable, 504},
		{"a gateway's 404 is no word on the task: it must not be given up as lost", 404, `<html>not found</html>`, kie.Unavailable, 404},
		{"another API's 404 is no word on the task", 404, `{"status":404,"error":"Not Found"}`, kie.Unavailable, 404},
		{"another API's 404 is no word on the task, though it has codes too", 404, `{"code":404,"message":"task not found"}`, kie.Unavailable, 404},
		{"a gateway's 422 is no word on the task, whatever it says", 422, `{"message":"record is null"}`, kie.Unavailable, 422},
		{"a gateway's 400 must not end a task", 400, `<html>bad request</html>`, kie.Unavailable, 400},
		{"a gateway's 400 must not end a task", 400, `{"code":400,"message":"Your prompt was flagged"}`, kie.Unavailable, 400},
		{"a gateway's 401 is no word on the key", 401, `<html>who are you</html>`, kie.Unavailable, 401},
		{"a gateway's 402 is no word on the balance", 402, `{"code":402,"message":"deployment disabled"}`, kie.Unavailable, 402},
		{"a gateway's 429 is no word on the account", 429, `<html>slow down</html>`, kie.Unavailable, 429},
		{"two have spoken", 404, `{"code":422,"msg":"record is null"}`, kie.Unavailable, 404},
		{"a gateway's 501 must not end a task", 501, `<html>not implemented</html>`, kie.Unavailable, 501},
		{"the robot check of the gateway", 403, `error code: 1010`, kie.Unavailable, 403},
		{"another task's answer", 200, recordBody(`{"taskId":"b","successFlag":1,"response":{"resultUrls":["` + testVideo + `"]}}`), kie.Unavailable, 0},
		{"another task's answer, in the other spelling", 200, recordBody(`{"task_id":"b","successFlag":0}`), kie.Unavailable, 0},
		{"two tasks in one answer", 200, recordBody(`{"taskId":"` + testTaskID + `","task_id":"b","successFlag":0}`), kie.Unavailable, 0},
		{"no flag", 200, recordBody(`{"taskId":"` + testTaskID + `"}`), kie.Unavailable, 0},
		{"an empty object", 200, recordBody(`{}`), kie.Unavailable, 0},
		{"flag null", 200, recordBody(`{"successFlag":null}`), kie.Unavailable, 0},
		{"flag a truth", 200, recordBody(`{"successFlag":true}`), kie.Unavailable, 0},
		{"flag a fraction", 200, recordBody(`{"successFlag":0.5}`), kie.Unavailable, 0},
		{"flag no number", 200, recordBody(`{"successFlag":"NaN"}`), kie.Unavailable, 0},
		{"data a list", 200, recordBody(`[]`), kie.Unavailable, 0},
		{"data a word", 200, recordBody(`"ok"`), kie.Unavailable, 0},
		{"data a number", 200, recordBody(`1`), kie.Unavailable, 0},
		{"response a list", 200, recordBody(`{"successFlag":1,"response":["` + testVideo + `"]}`), kie.Unavailable, 0},
		{"no code", 200, `{"data":{"successFlag":1}}`, kie.Unavailable, 0},
		{"malformed, as seen on early polls", 200, `{"code":200,"data":{"successFlag":`, kie.Unavailable, 0},
	} {
		t.Run(fmt.Sprintf("%d %.60s", tc.status, tc.body), func(t *testing.T) {
			got, err := recordOf(t, tc.status, tc.body)
			var failure *kie.Error
			if !errors.As(err, &failure) {
				t.Fatalf("%s: got %+v, %v, want an *Error", tc.reason, got, err)
			}
			if failure.Class != tc.class || failure.Code != tc.code {
				t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *failure, tc.class, tc.code)
			}
			if failure.Own != (failure.Err == nil) {
				t.Errorf("%s: the API's own word: %t, with the cause %v", tc.reason, failure.Own, failure.Err)
			}
			if diff := cmp.Diff(kie.Record{}, got); diff != "" {
				t.Errorf("%s: a record beside an error (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRecordInfoRedactsRefusals(t *testing.T) {
	_, err := recordOf(t, 200, `{"code":422,"msg":"key `+testKey+`\r\nis\u0007 bad"}`)
	var failure *kie.Error
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	if want := "key [redacted] is bad"; failure.Message != want {
		t.Errorf("got %q, want %q", failure.Message, want)
	}
}

// dataOf is the data of an answer that was captured.
func dataOf(t testing.TB, name string) json.RawMessage {
	t.Helper()
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(testdata(t, name), &envelope); err != nil {
		t.Fatal(err)
	}
	return envelope.Data
}

// FuzzDecodeRecord holds what must be true of every record, whatever it was
// read from.
func FuzzDecodeRecord(f *testing.F) {
	for _, name := range []string{"record_running.json", "record_succeeded.json", "record_failed.json"} {
		f.Add([]byte(dataOf(f, name)))
	}
	for _, data := range []string{
		"", "null", "{}", "[]", `""`, `"{\"successFlag\":1}"`, `{"successFlag":"1","resultUrls":"[https://a.example/1, http://b]"}`,
		`{"successFlag":1,"response":"{\"resultUrls\":\"[\\\"https://a.example\\\"]\"}"}`, `{"successFlag":1,"response":{"resultUrls":[null,1,"x"]}}`,
		`{"successFlag":1,"resultUrls":["` + strings.Repeat(`https://a.example/1","`, 40) + `"]}`, `{"successFlag":9,"errorCode":"x","errorMessage":7}`,
		`{"successFlag":1,"resultUrls":"https://:1/,http://a.example:x,https://a\u0000b,https://[::1]/"}`, `{"successFlag":1e400}`,
		`{"successFlag":1,"creditsConsumed":1e40,"completeTime":1e40,"response":{"hasAudioList":"[true]","seeds":[1,null,"x"]}}`, "{\"successFlag\":\xff}",
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := decodeRecord(data)
		if err != nil {
			if diff := cmp.Diff(kie.Record{}, record); diff != "" {
				t.Errorf("a record beside an error (-want +got):\n%s", diff)
			}
			return
		}
		if !slices.Contains([]kie.RecordState{kie.RecordAbsent, kie.RecordRunning, kie.RecordSucceeded, kie.RecordFailed}, record.State) {
			t.Errorf("no state: %q", record.State)
		}
		if record.State == kie.RecordSucceeded && len(record.ResultURLs)+len(record.FullResultURLs) == 0 {
			t.Error("a success without a result")
		}
		if record.Credits != nil && record.Credits.IsNegative() {
			t.Errorf("no amount of credits: %v", *record.Credits)
		}
		if record.Credits != nil && len(record.Credits.String()) > 32 {
			t.Errorf("an amount of credits that is too long to be kept: %v", *record.Credits)
		}
		for _, at := range []time.Time{record.CreatedAt, record.CompletedAt} {
			if year := at.Year(); !at.IsZero() && (year < 2001 || year > 2286) {
				t.Errorf("made or finished at %v", at)
			}
		}
		if len(record.HasAudio) > 16 || len(record.Seeds) > 16 {
			t.Errorf("%d truths and %d seeds", len(record.HasAudio), len(record.Seeds))
		}
		if len(record.Resolution) > 16 {
			t.Errorf("the resolution %q is too long", record.Resolution)
		}
		for _, urls := range [][]string{record.ResultURLs, record.OriginURLs, record.FullResultURLs} {
			checkURLs(t, urls)
		}
	})
}

// checkURLs holds what is true of every list of URLs.
func checkURLs(t testing.TB, urls []string) {
	t.Helper()
	if len(urls) > 16 {
		t.Errorf("%d URLs", len(urls))
	}
	for _, text := range urls { // "" is the place of one that cannot be used
		if text != "" && !decode.UsableURL(text) {
			t.Errorf("%q cannot be fetched", text)
		}
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	for _, name := range []string{"record_running.json", "record_succeeded.json"} {
		data := dataOf(b, name)
		b.Run(strings.TrimSuffix(name, ".json"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeRecord(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
