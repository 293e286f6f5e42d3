// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
	"github.com/kie-operator/kie-operator/internal/kie"
)

const (
	testLarger  = "https://tempfile.aiquickdraw.com/p/77aa_1790000300.mp4"
	testStill   = "https://tempfile.aiquickdraw.com/p/77aa.jpg"
	running4KIs = "4k is processing. It should be ready in 5-10 minutes. Please check back shortly."
)

// upgradeVia asks one of the two endpoints.
type upgradeVia func(ctx context.Context, c *kie.Client, ep kie.Endpoint) (kie.Upgrade, error)

var (
	via1080p upgradeVia = func(ctx context.Context, c *kie.Client, ep kie.Endpoint) (kie.Upgrade, error) {
		return Upgrade1080p(ctx, c, ep, testTaskID, 0)
	}
	via4K upgradeVia = func(ctx context.Context, c *kie.Client, ep kie.Endpoint) (kie.Upgrade, error) {
		return Upgrade4K(ctx, c, ep, Upgrade4KRequest{TaskID: testTaskID, CallbackURL: testCallbackURL})
	}
	viaBoth = map[string]upgradeVia{"1080p": via1080p, "4k": via4K}
)

func TestUpgradeSends(t *testing.T) {
	for _, tc := range []struct {
		name, reason string
		ask          upgradeVia
		line, body   string
	}{
		{"1080p", "a GET", via1080p, "GET /api/v1/veo/get-1080p-video?taskId=" + testTaskID + "&index=0", ""},
		{
			"1080p, another one", "an id must stay one parameter", func(ctx context.Context, c *kie.Client, ep kie.Endpoint) (kie.Upgrade, error) {
				return Upgrade1080p(ctx, c, ep, "a&index=9#b", 1)
			}, "GET /api/v1/veo/get-1080p-video?taskId=a%26index%3D9%23b&index=1", "",
		},
		{
			"4k", "a POST", via4K, "POST /api/v1/veo/get-4k-video",
			`{"taskId":"` + testTaskID + `","index":0,"callBackUrl":"` + testCallbackURL + `"}`,
		},
		{
			"4k without callback", "the first is no default that anybody promises", func(ctx context.Context, c *kie.Client, ep kie.Endpoint) (kie.Upgrade, error) {
				return Upgrade4K(ctx, c, ep, Upgrade4KRequest{TaskID: testTaskID, Index: 2})
			}, "POST /api/v1/veo/get-4k-video", `{"taskId":"` + testTaskID + `","index":2}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			type received struct{ Line, Body, Key, Type string }
			requests := make(chan received, 1)
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				requests <- received{r.Method + " " + r.RequestURI, string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type")}
				kieapi.Answering(200, `{"code":200,"data":null}`)(w, r)
			})
			if _, err := tc.ask(t.Context(), newTestClient(t), endpointAt(server.URL)); err != nil {
				t.Fatal(err)
			}
			want := received{tc.line, tc.body, "Bearer " + testKey, "application/json"}
			if diff := cmp.Diff(want, <-requests); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestUpgradeStates(t *testing.T) {
	ready := kie.Upgrade{State: kie.UpgradeReady, ResultURLs: []string{testLarger}}
	running := kie.Upgrade{State: kie.UpgradeRunning}
	named := kie.Upgrade{State: kie.UpgradeRunning, TaskID: testTaskID}
	impossible := func(message string) kie.Upgrade { return kie.Upgrade{State: kie.UpgradeImpossible, Message: message} }
	both, only1080p, only4K := []string{"1080p", "4k"}, []string{"1080p"}, []string{"4k"}
	const nulls = `{"taskId":"` + testTaskID + `","resultUrls":null,"imageUrls":null}`

	for i, tc := range []struct {
		reason string
		from   []string
		status int
		body   string
		want   kie.Upgrade
	}{
		// There it is.
		{"1080p as documented", both, 200, `{"code":200,"msg":"success","data":{"resultUrl":"` + testLarger + `"}}`, ready},
		{"1080p as one client reads it", both, 200, `{"code":200,"data":{"result_url":"` + testLarger + `"}}`, ready},
		{
			"4K as documented: the code is that of a refusal", both, 200,
			`{"code":422,"msg":"The video has been generated successfully","data":{"taskId":"` + testTaskID + `","resultUrls":["` + testLarger + `"],"imageUrls":["` + testStill + `"]}}`,
			kie.Upgrade{State: kie.UpgradeReady, TaskID: testTaskID, ResultURLs: []string{testLarger}, ImageURLs: []string{testStill}},
		},
		{
			"the same over HTTP", both, 422,
			`{"code":422,"msg":"The video has been generated successfully","data":{"resultUrls":["` + testLarger + `"]}}`, ready,
		},
		{"with a code that admits it", both, 200, `{"code":200,"data":{"resultUrls":["` + testLarger + `"]}}`, ready},
		{"with a code of failure: the data counts", both, 200, `{"code":500,"data":{"resultUrls":["` + testLarger + `"]}}`, ready},
		{"with words of failure: the data counts", both, 200, `{"code":422,"msg":"record is null","data":{"resultUrls":["` + testLarger + `"]}}`, ready},
		{
			"the snake case of the 4K schema", both, 200,
			`{"code":200,"data":{"task_id":"2c77","result_urls":["` + testLarger + `"],"media_ids":["m"],"image_urls":["` + testStill + `"]}}`,
			kie.Upgrade{State: kie.UpgradeReady, TaskID: "2c77", ResultURLs: []string{testLarger}, ImageURLs: []string{testStill}},
		},
		{
			"under info, as in the callback", both, 200,
			`{"code":200,"data":{"taskId":"2c77","info":{"resultUrls":["` + testLarger + `"],"imageUrls":["` + testStill + `"]}}}`,
			kie.Upgrade{State: kie.UpgradeReady, TaskID: "2c77", ResultURLs: []string{testLarger}, ImageURLs: []string{testStill}},
		},
		{"under info, in snake case", both, 200, `{"code":422,"data":{"info":{"result_urls":["` + testLarger + `"]}}}`, ready},
		{"under info, one", both, 200, `{"code":200,"data":{"info":{"resultUrl":"` + testLarger + `"}}}`, ready},
		{"under response, as in a record", both, 200, `{"code":200,"data":{"response":{"resultUrls":["` + testLarger + `"]}}}`, ready},
		{"a list in a text", both, 200, `{"code":200,"data":{"resultUrls":"[\"` + testLarger + `\"]"}}`, ready},
		{"a list in a text that is no JSON", both, 200, `{"code":200,"data":{"info":{"resultUrls":"[` + testLarger + `]"}}}`, ready},
		{"data in a text", both, 200, `{"code":200,"data":"{\"resultUrl\":\"` + testLarger + `\"}"}`, ready},
		{"info in a text", both, 200, `{"code":200,"data":{"info":"{\"resultUrls\":[\"` + testLarger + `\"]}"}}`, ready},
		{"null in one place, there in the other", both, 200, `{"code":200,"data":{"info":{"resultUrls":null},"resultUrls":["` + testLarger + `"]}}`, ready},
		{"a new task for it", both, 200, `{"code":200,"data":{"taskId":"2c77","resultUrl":"` + testLarger + `"}}`, kie.Upgrade{State: kie.UpgradeReady, TaskID: "2c77", ResultURLs: []string{testLarger}}},
		{"ids that differ: none is believed", both, 200, `{"code":200,"taskId":"a","data":{"taskId":"b","resultUrl":"` + testLarger + `"}}`, ready},

		// Under way.
		{"4K accepted", both, 200, `{"code":200,"msg":"success","data":` + nulls + `}`, named},
		{"4K asked for again", both, 200, `{"code":422,"msg":"` + running4KIs + `","data":` + nulls + `}`, named},
		{"the same over HTTP", both, 422, `{"code":422,"msg":"` + running4KIs + `","data":` + nulls + `}`, named},
		{"the same without data: the words count", both, 200, `{"code":422,"msg":"` + running4KIs + `","data":null}`, running},
		{"422 in other words: a refusal has no data", both, 200, `{"code":422,"msg":"patience","data":` + nulls + `}`, named},
		{"done, says the text, but there is nothing yet", both, 200, `{"code":422,"msg":"The video has been generated successfully","data":null}`, running},
		{"a still alone is no video", both, 200, `{"code":422,"msg":"` + running4KIs + `","data":{"taskId":"` + testTaskID + `","imageUrls":["` + testStill + `"]}}`, named},
		{"nothing that can be fetched", both, 200, `{"code":200,"data":{"resultUrls":["ftp://a.example/1",""]}}`, running},
		{"success without data", both, 200, `{"code":200,"msg":"success","data":null}`, running},
		{"success with nothing", both, 200, `{"code":200}`, running},
		{"1080p not ready, as documented", both, 200, `{"code":400,"msg":"1080P is processing. It should be ready in 1-2 minutes. Please check back shortly.","data":null}`, running},
		{"the same over HTTP", both, 400, `{"code":400,"msg":"1080P is processing. It should be ready in 1-2 minutes. Please check back shortly."}`, running},
		{"seen by one client", both, 200, `{"code":422,"msg":"The 1080P video is being generated","data":null}`, running},
		{"seen by two clients", only1080p, 200, `{"code":500,"msg":"Server error","data":null}`, running},
		{"the same over HTTP", only1080p, 500, `{"code":500,"msg":"Server error"}`, running},
		{"not ready without words", only1080p, 200, `{"code":400}`, running},
		{"not ready, data a word", only1080p, 200, `{"code":400,"data":"wait"}`, running},
		{"broken at the record, and still not the record's fault", only1080p, 200, `{"code":500,"msg":"Cannot invoke getUrl() because x is null"}`, running},

		// Never.
		{"documented", both, 200, `{"code":422,"msg":"record is null","data":null}`, impossible("record is null")},
		{"documented", both, 200, `{"code":422,"msg":"Temporarily supports records within 14 days"}`, impossible("Temporarily supports records within 14 days")},
		{"documented", both, 200, `{"code":422,"msg":"record status is not success"}`, impossible("record status is not success")},
		{"documented", both, 200, `{"code":422,"msg":"record result data is blank"}`, impossible("record result data is blank")},
		{"documented", both, 200, `{"code":422,"msg":"record result data not exist"}`, impossible("record result data not exist")},
		{"documented", both, 200, `{"code":422,"msg":"record result data is empty"}`, impossible("record result data is empty")},
		{"the same over HTTP", both, 422, `{"code":422,"msg":"record is null"}`, impossible("record is null")},
		{"the record is missing, with another verb", both, 200, `{"code":422,"msg":"Record does not exist"}`, impossible("Record does not exist")},
		{"the sister endpoints' words", both, 200, `{"code":422,"msg":"recordInfo is null"}`, impossible("recordInfo is null")},
		{"the same beside data", both, 200, `{"code":422,"msg":"record is null","data":` + nulls + `}`, impossible("record is null")},
		{
			"the literal of a failed 4K version", both, 200,
			`{"code":500,"msg":"The 4K version of this video is unavailable. Please try a different video.","data":null}`,
			impossible("The 4K version of this video is unavailable. Please try a different video."),
		},
		{"a 500 for a request that cannot be", both, 200, `{"code":500,"msg":"index is not within the range"}`, impossible("index is not within the range")},
		{"a 500 for a request that cannot be", both, 200, `{"code":500,"msg":"taskId is required"}`, impossible("taskId is required")},
		{"a refusal in other words", both, 200, `{"code":422,"msg":"Validation Error","data":null}`, impossible("Validation Error")},
		{"a refusal without words", both, 200, `{"code":422,"msg":""}`, impossible("")},
		{"no such task", both, 200, `{"code":404,"msg":"not found"}`, impossible("not found")},
		{"no such task, over HTTP", both, 404, `{"code":404,"msg":"not found"}`, impossible("not found")},
		{"the image cannot be had", both, 200, `{"code":451,"msg":""}`, impossible("")},
		{"could not be made", both, 200, `{"code":501,"msg":"failed"}`, impossible("failed")},
		{"not offered", both, 200, `{"code":505,"msg":"off"}`, impossible("off")},
		{"a policy", only4K, 200, `{"code":400,"msg":"policy"}`, impossible("policy")},
		{
			"what is shown is redacted", both, 200, `{"code":422,"msg":"record is null\r\nfor ` + testKey + `\u0007"}`,
			impossible("record is null for [redacted]"),
		},
	} {
		for _, from := range tc.from {
			t.Run(fmt.Sprintf("%d %s %d %.40s", i, from, tc.status, tc.body), func(t *testing.T) {
				server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
				got, err := viaBoth[from](t.Context(), newTestClient(t), endpointAt(server.URL))
				if err != nil {
					t.Fatalf("%s: %v", tc.reason, err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
				}
				if n := server.Requests.Load(); n != 1 {
					t.Errorf("%s: asked %d times", tc.reason, n)
				}
			})
		}
	}
}

// A callback URL is a secret too, and only the 4K request has one.
func TestUpgrade4KRedactsTheCallbackURL(t *testing.T) {
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":422,"msg":"cannot call `+testCallbackURL+`"}`))
	got, err := via4K(t.Context(), newTestClient(t), endpointAt(server.URL))
	if diff := cmp.Diff(kie.Upgrade{State: kie.UpgradeImpossible, Message: "cannot call [redacted]"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestUpgradeErrors(t *testing.T) {
	for i, tc := range []struct {
		reason string
		from   []string
		status int
		body   string
		class  kie.Class
		code   int
	}{
		{"the key", nil, 200, `{"code":401,"msg":"You do not have access permissions"}`, kie.Unauthorized, 401},
		{"the key, over HTTP", nil, 401, `{"code":401,"msg":"no"}`, kie.Unauthorized, 401},
		{"no credits", nil, 200, `{"code":402,"data":null}`, kie.InsufficientCredits, 402},
		{"no credits, whatever is beside it", nil, 200, `{"code":402,"msg":"4k is processing","data":{"resultUrl":"` + testLarger + `"}}`, kie.InsufficientCredits, 402},
		{"turned away", nil, 200, `{"code":403}`, kie.Forbidden, 403},
		{"too fast", nil, 200, `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`, kie.RateLimited, 429},
		{"too fast, over HTTP", nil, 429, `{"code":429,"msg":"slow down"}`, kie.RateLimited, 429},
		{"the cap of the key", nil, 200, `{"code":433}`, kie.KeyLimitReached, 433},
		{"maintenance", nil, 200, `{"code":455}`, kie.Maintenance, 455},
		{"two have spoken", nil, 400, `{"code":401,"msg":"no"}`, kie.Unavailable, 400},
		{"two have spoken", nil, 500, `{"code":402,"msg":"no"}`, kie.Unavailable, 500},
		{"two have spoken", nil, 400, `{"code":422,"msg":"record is null"}`, kie.Unavailable, 400},
		{"it may be the API, and is not clear enough to end an upgrade", nil, 200, `{"code":422}`, kie.Unavailable, 422},
		{"it may be the API, and is not clear enough to end an upgrade", nil, 200, `{"code":422,"message":"record is null"}`, kie.Unavailable, 422},
		{"it may be the API, and is not clear enough to end an upgrade", nil, 200, `{"code":404,"message":"no route"}`, kie.Unavailable, 404},
		{"4K has no code for work under way but 422", []string{"4k"}, 200, `{"code":500,"msg":"Server error"}`, kie.Unavailable, 500},
		{"nothing heard", nil, 200, `{"code":408}`, kie.Unavailable, 408},
		{"a gateway", nil, 502, `{"code":502}`, kie.Unavailable, 502},
		{"a gateway's 400 is not work under way", nil, 400, `<html>bad request</html>`, kie.Unavailable, 400},
		{"a gateway's 402 is no word on the balance", nil, 402, `{"code":402,"message":"pay us"}`, kie.Unavailable, 402},
		{"a gateway's 429 is no word on the account", nil, 429, `<html>slow down</html>`, kie.Unavailable, 429},
		{"a gateway's 500 is not work under way", nil, 500, `<html>oops</html>`, kie.Unavailable, 500},
		{"a gateway's 422 ends nothing", nil, 422, `{"message":"record is null"}`, kie.Unavailable, 422},
		{"a gateway's 404 ends nothing", nil, 404, `<html>not found</html>`, kie.Unavailable, 404},
		{"a gateway's 404 ends nothing", nil, 404, `{"code":404,"message":"not found"}`, kie.Unavailable, 404},
		{"two opinions on what is not there end nothing", nil, 404, `{"code":200,"msg":"success"}`, kie.Unavailable, 404},
		{"there is nothing that can be asked", nil, 405, `{"code":405,"msg":"method not allowed"}`, kie.NotFound, 405},
		{"the robot check of the gateway", nil, 403, `error code: 1010`, kie.Unavailable, 403},
		{"moved", nil, 302, ``, kie.Unavailable, 302},
		{"no code", nil, 200, `{"data":{"resultUrl":"` + testLarger + `"}}`, kie.Unavailable, 0},
		{"malformed, as seen on early polls", nil, 200, `{"code":200,"data":{"resultUrl":`, kie.Unavailable, 0},
		{"success with a list", nil, 200, `{"code":200,"data":["` + testLarger + `"]}`, kie.Unavailable, 0},
		{"success with a number", nil, 200, `{"code":200,"data":7}`, kie.Unavailable, 0},
		{"nothing", nil, 200, ``, kie.Unavailable, 0},
	} {
		for from, ask := range viaBoth {
			if tc.from != nil && !slices.Contains(tc.from, from) {
				continue
			}
			t.Run(fmt.Sprintf("%d %s %d %.40s", i, from, tc.status, tc.body), func(t *testing.T) {
				server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
				got, err := ask(t.Context(), newTestClient(t), endpointAt(server.URL))
				var failure *kie.Error
				if !errors.As(err, &failure) {
					t.Fatalf("%s: got %+v, %v, want an *Error", tc.reason, got, err)
				}
				if failure.Class != tc.class || failure.Code != tc.code {
					t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *failure, tc.class, tc.code)
				}
				if diff := cmp.Diff(kie.Upgrade{}, got); diff != "" {
					t.Errorf("%s: a state beside an error (-want +got):\n%s", tc.reason, diff)
				}
			})
		}
	}
}

// A redirect would take the key, and for 4K the request, to another place.
func TestUpgradeNeverFollowsRedirects(t *testing.T) {
	for from, ask := range viaBoth {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(from, " ", status), func(t *testing.T) {
				elsewhere := kieapi.NewServer(t, kieapi.Answering(200, `{"code":200,"data":{"resultUrl":"`+testLarger+`"}}`))
				server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", elsewhere.URL)
					kieapi.Answering(status, "")(w, r)
				})
				_, err := ask(t.Context(), newTestClient(t), endpointAt(server.URL))
				var failure *kie.Error
				if !errors.As(err, &failure) || failure.Code != status {
					t.Errorf("got %v, want code %d", err, status)
				}
				if here, there := server.Requests.Load(), elsewhere.Requests.Load(); here != 1 || there != 0 {
					t.Errorf("got %d requests here and %d there, want 1 and 0", here, there)
				}
			})
		}
	}
}

func TestUpgradeWithoutAnswer(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":200}`))
	for from, ask := range viaBoth {
		for _, tc := range []struct {
			reason string
			ctx    context.Context
			ep     kie.Endpoint
		}{
			{"nobody listens", t.Context(), endpointAt("http://" + kieapi.RefusingAddress(t))},
			{"the caller has given up", cancelled, endpointAt(server.URL)},
			{"no request can be made of it", t.Context(), endpointAt("http://bad host")},
		} {
			_, err := ask(tc.ctx, newTestClient(t), tc.ep)
			var failure *kie.Error
			if !errors.As(err, &failure) || failure.Class != kie.Unavailable || failure.Err == nil {
				t.Errorf("%s, %s: got %v, want Unavailable with a cause", from, tc.reason, err)
			}
		}
	}
}

// FuzzJudgeUpgrade holds what must be true of every answer, whatever is in it.
func FuzzJudgeUpgrade(f *testing.F) {
	for _, body := range []string{
		"", "null", "[]", "{}", "<html>", `{"code":200}`, `{"code":500}`, `{"code":422,"msg":"record is null"}`, `{"code":402,"data":{"resultUrl":"` + testLarger + `"}}`,
		`{"code":422,"msg":"` + running4KIs + `","data":{"taskId":"a","resultUrls":null}}`, `{"code":200,"data":"{\"info\":\"{}\"}"}`,
		`{"code":422,"data":{"info":{"result_urls":"[` + testLarger + `]"},"image_urls":["` + testStill + `"]}}`, `{"code":404,"msg":"` + testKey + `"}`,
	} {
		for _, status := range []int{200, 302, 400, 404, 422, 429, 500, 502} {
			f.Add(status, []byte(body))
		}
	}
	var answer http.HandlerFunc
	server := kieapi.NewServer(f, func(w http.ResponseWriter, r *http.Request) { answer(w, r) })
	client := kie.NewClient()
	f.Cleanup(client.CloseIdleConnections)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 999 {
			return // no answer
		}
		answer = kieapi.AnsweringAs(kieapi.TypeAPI, status, string(body))
		a, err := client.Ask(t.Context(), endpointAt(server.URL), http.MethodGet, "/", nil)
		if err != nil {
			return
		}
		heard := a.Refusal()
		for _, codes := range [][]int{running1080p, running4K} {
			got, err := judgeUpgrade(a, codes, testKey, testCallbackURL)
			if err != nil {
				var failure *kie.Error
				if !errors.As(err, &failure) || failure.Class == "" || failure.Class.OfRequest() {
					t.Errorf("%v is for the state Impossible", err)
				}
				if diff := cmp.Diff(kie.Upgrade{}, got); diff != "" {
					t.Errorf("a state beside an error (-want +got):\n%s", diff)
				}
				if strings.Contains(failure.Error(), testKey) || strings.Contains(failure.Error(), testCallbackURL) {
					t.Errorf("the error holds a secret: %v", failure)
				}
				continue
			}
			if errors.Is(heard.Err, kie.ErrNotTheAPI) || got.State == kie.UpgradeImpossible && !heard.Own {
				t.Errorf("%s, says something that is not the API, or not clearly", got.State)
			}
			if ready := got.State == kie.UpgradeReady; ready != (len(got.ResultURLs) > 0) || !ready && got.ImageURLs != nil {
				t.Errorf("URLs come with Ready and only then: got %+v", got)
			}
			if got.Message != "" && got.State != kie.UpgradeImpossible || got.State == kie.UpgradeImpossible && got.TaskID != "" {
				t.Errorf("a message comes with Impossible, a task with everything else: got %+v", got)
			}
			if got.TaskID != "" && !kie.ValidTaskID(got.TaskID) {
				t.Errorf("the task id %q cannot be used", got.TaskID)
			}
			if text, _ := json.Marshal(got.Message); bytes.Contains(text, []byte(testKey)) {
				t.Errorf("the key is in %s", text)
			}
			checkURLs(t, got.ResultURLs)
			checkURLs(t, got.ImageURLs)
		}
	})
}
