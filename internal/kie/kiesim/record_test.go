// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// epochMillis is epoch as record-info shows it.
const epochMillis = 1793534400000.0

func TestRecordOfARunningTask(t *testing.T) {
	f := newFixture(t, Options{})
	f.clock.advance(987 * time.Millisecond)
	id := f.accept(fields{"prompt": "fog & <gulls>", "callBackUrl": "https://hooks.example/v1/callbacks/at1"})
	want := `{"code":200,"msg":"success","data":{"taskId":"` + id + `",` +
		`"paramJson":"{\"aspectRatio\":\"16:9\",\"callBackUrl\":\"https://hooks.example/v1/callbacks/at1\",` +
		`\"model\":\"veo3_fast\",\"prompt\":\"fog & <gulls>\"}",` +
		`"completeTime":null,"response":null,"successFlag":0,"errorCode":null,"errorMessage":null,` +
		`"createTime":1793534400000,"fallbackFlag":false}}`
	if diff := cmp.Diff(want, f.record(id).Body); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestParamJSONEchoesInCamelCase(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "a", "aspect_ratio": "9:16", "duration": 8, "seeds": 12345, "watermark": "Acme",
		"enableTranslation": false, "enableFallback": true, "resolution": "720p",
		"generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "imageUrls": []string{"https://img.example/a.png"}})
	want := `{"aspectRatio":"9:16","duration":8,"enableFallback":true,"enableTranslation":false,` +
		`"generationType":"FIRST_AND_LAST_FRAMES_2_VIDEO","imageUrls":["https://img.example/a.png"],` +
		`"model":"veo3_fast","prompt":"a","resolution":"720p","seeds":12345,"waterMark":"Acme"}`
	if diff := cmp.Diff(want, f.recordData(id)["paramJson"]); diff != "" {
		t.Errorf("paramJson (-want +got):\n%s", diff)
	}
}

func TestRecordOfAFinishedTask(t *testing.T) {
	cases := map[string]struct {
		request  fields
		flag     float64
		code     any
		message  any
		fallback bool
	}{
		"success": {request: fields{"prompt": "a"}, flag: 1},
		"rejected prompt": {request: fields{"prompt": "[sim:fail=400]"}, flag: 3, code: 400.0,
			message: "Your prompt was flagged by Website as violating content policies."},
		"rejected by Flow": {request: fields{"prompt": "[sim:fail=422]"}, flag: 3, code: 422.0,
			message: failureMessage(422)},
		"timeout":            {request: fields{"prompt": "[sim:fail=500]"}, flag: 2, code: 500.0, message: "Internal Error - Timeout"},
		"generation failed":  {request: fields{"prompt": "[sim:fail=501]"}, flag: 3, code: 501.0, message: "Video generation task failed"},
		"fallback used":      {request: fields{"prompt": "[sim:fallback=used]", "enableFallback": true}, flag: 1, fallback: true},
		"fallback failed":    {request: fields{"prompt": "[sim:fallback=failed]", "enableFallback": true}, flag: 3, code: 422.0, message: failureMessage(422)},
		"fallback off":       {request: fields{"prompt": "[sim:fallback=used]"}, flag: 3, code: 400.0, message: failureMessage(400)},
		"fallback with 9:16": {request: fields{"prompt": "[sim:fallback=used]", "enableFallback": true, "aspect_ratio": "9:16"}, flag: 3, code: 400.0, message: failureMessage(400)},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{PublicURL: "https://cdn.example/"})
			test.request["seeds"] = 41877
			id := f.accept(test.request)
			f.clock.advance(5*time.Second - time.Nanosecond)
			if flag := f.recordData(id)["successFlag"]; flag != 0.0 {
				t.Fatalf("successFlag is %v just before the end, want 0", flag)
			}
			f.clock.advance(time.Nanosecond)
			got := f.recordData(id)
			want := map[string]any{
				"taskId": id, "paramJson": got["paramJson"], "createTime": epochMillis, "completeTime": epochMillis + 5000,
				"successFlag": test.flag, "errorCode": test.code, "errorMessage": test.message,
				"fallbackFlag": test.fallback, "response": nil,
			}
			if test.flag == 1 {
				want["response"] = map[string]any{
					"taskId": id, "resolution": "720p", "originUrls": nil, "fullResultUrls": nil,
					"resultUrls":   []any{"https://cdn.example/v/" + id + "_1793534405.mp4"},
					"hasAudioList": []any{true}, "seeds": []any{41877.0},
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFieldsOfTheResult(t *testing.T) {
	cases := map[string]struct {
		markers string
		seeds   any
		field   string
		want    any
	}{
		"sound":                          {"", nil, "hasAudioList", []any{true}},
		"no sound":                       {"[sim:audio=false]", nil, "hasAudioList", []any{false}},
		"seed of the request":            {"", 41877, "seeds", []any{41877.0}},
		"seed of the fate":               {"[sim:seed=10001]", nil, "seeds", []any{10001.0}},
		"seed of the fate comes first":   {"[sim:seed=7]", 41877, "seeds", []any{7.0}},
		"fullResultUrls":                 {"", nil, "fullResultUrls", nil},
		"fullResultUrls as before April": {"[sim:full-result-urls=absent]", nil, "fullResultUrls", "absent"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			request := fields{"prompt": "a" + test.markers}
			if test.seeds != nil {
				request["seeds"] = test.seeds
			}
			response := f.recordData(f.made(request))["response"].(map[string]any)
			got, there := response[test.field]
			if !there {
				got = "absent"
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.field, diff)
			}
		})
	}
}

// TestCreditsConsumedCanBeAnyNumber compares what record-info and the callback say of the price.
func TestCreditsConsumedCanBeAnyNumber(t *testing.T) {
	cases := map[string]string{
		"a":                            "",
		"[sim:credits-consumed=shown]": "60",
		"[sim:credits-consumed=0.5]":   "0.5",
		"[sim:credits-consumed=-1]":    "-1",
		"[sim:credits-consumed=1e40]":  "1e40",
		"[sim:credits-consumed=1e400]": "1e400",
	}
	for prompt, want := range cases {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": prompt, "callBackUrl": r.url("at1")})
			f.playOut()
			for where, body := range map[string]string{"record-info": f.record(id).Body, "callback": string(r.only(t).Body)} {
				_, rest, _ := strings.Cut(body, `"creditsConsumed":`)
				got, _, _ := strings.Cut(rest, "}")
				if got != want {
					t.Errorf("%s says %q, want %q", where, got, want)
				}
			}
			if spent := 10000 - f.balance(); spent != 60 {
				t.Errorf("%v credits are spent, want the price", spent)
			}
		})
	}
}

func TestCreditsConsumedByAnUpgrade(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	id := f.made(fields{"prompt": "[sim:4k-credits-consumed=1e40][sim:4k-id=new]"})
	f.get4K(fields{"taskId": id, "callBackUrl": r.url("at2")})
	f.playOut()
	for where, body := range map[string]string{"record-info": f.record(f.State().Upgrades[0].ID).Body, "callback": string(r.only(t).Body)} {
		if !strings.Contains(body, `"creditsConsumed":1e40`) {
			t.Errorf("%s says %s", where, body)
		}
	}
}

func TestSeedIsChosenInRange(t *testing.T) {
	for range 100 {
		if seed := newSeed(); seed < 10000 || seed > 99999 {
			t.Fatalf("seed %d is not in KIE's range", seed)
		}
	}
}

func TestShapesOfURLs(t *testing.T) {
	cases := map[URLShape]func(url string) any{
		"":           func(url string) any { return []any{url} },
		URLsArray:    func(url string) any { return []any{url} },
		URLsJSON:     func(url string) any { return `["` + url + `"]` },
		URLsBrackets: func(url string) any { return `[` + url + `]` },
	}
	for shape, want := range cases {
		t.Run(string(shape), func(t *testing.T) {
			f := newFixture(t, Options{PublicURL: "https://cdn.example", Faults: Faults{URLs: shape}})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": "a", "aspect_ratio": "9:16", "callBackUrl": r.url("at1")})
			f.playOut()
			result, origin := want("https://cdn.example/v/"+id+"_1793534405.mp4"), want("https://cdn.example/o/"+id+".mp4")

			response := f.recordData(id)["response"].(map[string]any)
			info := r.only(t).decode(t)["data"].(map[string]any)["info"].(map[string]any)
			for where, lists := range map[string]map[string]any{"record-info": response, "callback": info} {
				if diff := cmp.Diff([]any{result, origin}, []any{lists["resultUrls"], lists["originUrls"]}); diff != "" {
					t.Errorf("resultUrls and originUrls of %s (-want +got):\n%s", where, diff)
				}
			}
		})
	}
}

func TestRecordTimesAsText(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "[sim:time=text]"})
	f.clock.advance(5 * time.Second)
	got := f.recordData(id)
	if got["createTime"] != "2026-11-01 12:00:00" || got["completeTime"] != "2026-11-01 12:00:05" {
		t.Errorf("times are %v and %v", got["createTime"], got["completeTime"])
	}
}

func TestRecordOfAnUnknownTask(t *testing.T) {
	cases := map[UnknownRecord]string{
		"":                   `{"code":422,"msg":"recordInfo is null","data":null}`,
		UnknownRecordCode422: `{"code":422,"msg":"recordInfo is null","data":null}`,
		UnknownRecordNull:    `{"code":200,"msg":"success","data":null}`,
		UnknownRecordCode404: `{"code":404,"msg":"The requested resource or endpoint does not exist","data":null}`,

		UnknownRecordIsNull:   `{"code":422,"msg":"record is null","data":null}`,
		UnknownRecordNotExist: `{"code":422,"msg":"Record does not exist","data":null}`,
	}
	for mode, want := range cases {
		t.Run(string(mode), func(t *testing.T) {
			f := newFixture(t, Options{UnknownRecord: mode})
			for _, id := range []string{"", strings.Repeat("0", 32), f.accept(fields{"prompt": "[sim:record=null-for=1m]"})} {
				if diff := cmp.Diff(want, f.record(id).Body); diff != "" {
					t.Errorf("record of %q (-want +got):\n%s", id, diff)
				}
			}
		})
	}
}

func TestRecordIsHiddenForAWhile(t *testing.T) {
	cases := map[string]int{
		"[sim:record=null-for=30s]":     422,
		"[sim:record-code=400-for=30s]": 400,
		"[sim:record-code=500-for=30s]": 500,
	}
	for marker, code := range cases {
		t.Run(marker, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.accept(fields{"prompt": marker})
			f.clock.advance(30*time.Second - time.Nanosecond)
			if got := f.record(id); got.Status != 200 || got.Code != code || got.Data != nil {
				t.Errorf("answer is HTTP %d %s, want code %d", got.Status, got.Body, code)
			}
			f.clock.advance(time.Nanosecond)
			if flag := f.recordData(id)["successFlag"]; flag != 1.0 {
				t.Errorf("successFlag is %v afterwards, want 1", flag)
			}
		})
	}
}

func TestSuccessFlagLags(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "[sim:lag=10s]"})
	f.clock.advance(15*time.Second - time.Nanosecond)
	got := f.recordData(id)
	if got["completeTime"] != epochMillis+5000 || got["successFlag"] != 0.0 || got["response"] != nil {
		t.Errorf("record is %v, want a completeTime beside successFlag 0", got)
	}
	f.clock.advance(time.Nanosecond)
	if got := f.recordData(id); got["successFlag"] != 1.0 || got["completeTime"] != epochMillis+5000 {
		t.Errorf("record is %v after the lag", got)
	}
}

func TestNeverFinishes(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	id := f.accept(fields{"prompt": "[sim:never-finish]", "callBackUrl": r.url("at1")})
	if next, ok := f.NextEvent(); ok {
		t.Errorf("something is to happen at %v", next)
	}
	f.clock.advance(13 * 24 * time.Hour)
	if got := f.recordData(id); got["successFlag"] != 0.0 || got["completeTime"] != nil {
		t.Errorf("record is %v, want a running task", got)
	}
}

func TestRecordsAndVideosGoAfterFourteenDays(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "a"})
	f.clock.advance(14 * 24 * time.Hour)
	path := videoPath(f, id)
	if got := f.call(http.MethodGet, path, ""); got.Status != 200 {
		t.Errorf("the video is HTTP %d on the last day", got.Status)
	}
	f.clock.advance(time.Second)
	if got := f.record(id); got.Code != 422 || got.Msg != "Temporarily supports records within 14 days" {
		t.Errorf("record-info answers %s", got.Body)
	}
	if got := f.call(http.MethodGet, path, ""); got.Status != 404 {
		t.Errorf("the video is HTTP %d afterwards, want 404", got.Status)
	}
}
