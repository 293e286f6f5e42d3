// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGenerateAccepts(t *testing.T) {
	one, two, three := "https://img.example/1.png", "https://img.example/2.png", "https://img.example/3.png"
	cases := map[string]fields{
		"the least there is":                {"prompt": "a"},
		"every field of text to video":      {"prompt": "a", "model": "veo3", "generationType": "TEXT_2_VIDEO", "aspect_ratio": "9:16", "resolution": "1080p", "duration": 4, "seeds": 10000, "enableTranslation": true, "enableFallback": false, "watermark": "Acme"},
		"one image":                         {"prompt": "a", "imageUrls": []string{one}, "aspect_ratio": "Auto"},
		"first and last frame":              {"prompt": "a", "imageUrls": []string{one, two}, "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "duration": 6},
		"three references, inferred":        {"prompt": "a", "imageUrls": []string{one, two, three}},
		"three references, lite, 8 seconds": {"prompt": "a", "model": "veo3_lite", "imageUrls": []string{one, two, three}, "generationType": "REFERENCE_2_VIDEO", "duration": 8},
		"unknown fields are ignored":        {"prompt": "a", "negativePrompt": "b"},
		"camelCase aspect ratio":            {"prompt": "a", "aspectRatio": "9:16"},
		"fallback with 9:16 has no effect":  {"prompt": "a", "aspect_ratio": "9:16", "enableFallback": true},
	}
	for name, request := range cases {
		t.Run(name, func(t *testing.T) {
			id := newFixture(t, Options{}).accept(request)
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
				t.Errorf("task id is %q, want 32 lower-case hexadecimal digits", id)
			}
		})
	}
}

func TestGenerateRefusesInvalidRequests(t *testing.T) {
	one, four := []string{"https://img.example/1.png"}, make([]string, 4)
	for i := range four {
		four[i] = fmt.Sprintf("https://img.example/%d.png", i)
	}
	cases := map[string]struct {
		request fields
		names   string
	}{
		"no prompt":                  {fields{}, "prompt"},
		"blank prompt":               {fields{"prompt": " \n"}, "prompt"},
		"wrong type":                 {fields{"prompt": 7}, "prompt"},
		"fraction":                   {fields{"prompt": "a", "duration": 4.5}, "duration"},
		"model":                      {fields{"prompt": "a", "model": "veo4"}, "veo4"},
		"aspect ratio":               {fields{"prompt": "a", "aspect_ratio": "1:1"}, "1:1"},
		"aspect ratio in lower case": {fields{"prompt": "a", "aspect_ratio": "auto", "imageUrls": one}, "auto"},
		"Auto without an image":      {fields{"prompt": "a", "aspect_ratio": "Auto"}, "Auto"},
		"resolution":                 {fields{"prompt": "a", "resolution": "4K"}, "4K"},
		"duration":                   {fields{"prompt": "a", "duration": 5}, "duration 5"},
		"seeds too small":            {fields{"prompt": "a", "seeds": 9999}, "seeds"},
		"seeds too large":            {fields{"prompt": "a", "seeds": 100000}, "seeds"},
		"callback URL":               {fields{"prompt": "a", "callBackUrl": "hooks.example/x"}, "callBackUrl"},
		"image URL":                  {fields{"prompt": "a", "imageUrls": []string{"a.png"}}, "imageUrls"},
		"generation type":            {fields{"prompt": "a", "generationType": "VIDEO_2_VIDEO"}, "VIDEO_2_VIDEO"},
		"text with an image":         {fields{"prompt": "a", "generationType": "TEXT_2_VIDEO", "imageUrls": one}, "TEXT_2_VIDEO"},
		"frames without an image":    {fields{"prompt": "a", "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO"}, "1 or 2"},
		"frames with three images":   {fields{"prompt": "a", "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "imageUrls": four[:3]}, "1 or 2"},
		"references without any":     {fields{"prompt": "a", "generationType": "REFERENCE_2_VIDEO"}, "1 to 3"},
		"four images":                {fields{"prompt": "a", "imageUrls": four}, "1 to 3"},
		"references with veo3":       {fields{"prompt": "a", "model": "veo3", "generationType": "REFERENCE_2_VIDEO", "imageUrls": one}, "veo3"},
		"references with Auto":       {fields{"prompt": "a", "generationType": "REFERENCE_2_VIDEO", "aspect_ratio": "Auto", "imageUrls": one}, "Auto"},
		"references of 4 seconds":    {fields{"prompt": "a", "generationType": "REFERENCE_2_VIDEO", "duration": 4, "imageUrls": one}, "8 only"},
		"marker that does not exist": {fields{"prompt": "a [sim:fali=501]"}, "[sim:fali=501]"},
		"marker with a wrong value":  {fields{"prompt": "a [sim:fail=502]"}, "400 or 422 or 500 or 501"},
		"marker without its end":     {fields{"prompt": "a [sim:fail=501 b"}, "[sim:fail=501"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.submit(test.request)
			if got.Status != 200 || got.Code != 422 || got.Data != nil {
				t.Errorf("answer is HTTP %d %s, want HTTP 200, code 422 and data null", got.Status, got.Body)
			}
			if !strings.Contains(got.Msg, test.names) {
				t.Errorf("msg %q does not contain %q", got.Msg, test.names)
			}
			if state := f.State(); state.PaidTasks != 0 || state.Balance != 10000 {
				t.Errorf("%d tasks were paid and %v credits are left, want 0 and 10000", state.PaidTasks, state.Balance)
			}
		})
	}
}

func TestGenerateRefusesBodiesThatAreNoObject(t *testing.T) {
	f := newFixture(t, Options{})
	for _, body := range []string{"", "prompt=a", `["prompt"]`, strings.Repeat(" ", maxRequestBytes+1)} {
		if got := f.call(http.MethodPost, "/api/v1/veo/generate", body); got.Code != 422 {
			t.Errorf("a body of %d bytes got code %d, want 422", len(body), got.Code)
		}
	}
}

func TestFieldNamesAreCaseSensitive(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	f.accept(fields{"prompt": "a", "callbackUrl": r.url("at1"), "callback_url": r.url("at1")})
	if made := f.playOut(); made != 0 {
		t.Errorf("%d callbacks were sent to a URL in a field that KIE does not know", made)
	}
}

func TestAccess(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	const denied = `{"code":401,"msg":"You do not have access permissions"}`
	cases := map[string]struct {
		edit       func(*http.Request)
		wantStatus int
		wantBody   string
	}{
		"wrong key":               {header("Authorization", "Bearer wrong"), 200, denied},
		"no bearer":               {header("Authorization", testAPIKey), 200, denied},
		"no authorization":        {func(r *http.Request) { r.Header.Del("Authorization") }, 200, denied},
		"no content type":         {func(r *http.Request) { r.Header.Del("Content-Type") }, 200, `{"code":200,"msg":"success","data":10000}`},
		"another content type":    {header("Content-Type", "text/plain"), 200, denied},
		"content type parameters": {header("Content-Type", "application/json; charset=utf-8"), 200, `{"code":200,"msg":"success","data":10000}`},
		"no user agent":           {header("User-Agent", ""), 403, "error code: 1010"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got := newFixture(t, Options{}).call(http.MethodGet, "/api/v1/chat/credit", "", test.edit)
			if got.Status != test.wantStatus || got.Body != test.wantBody {
				t.Errorf("answer is HTTP %d %s, want HTTP %d %s", got.Status, got.Body, test.wantStatus, test.wantBody)
			}
		})
	}
}

func TestBodyHasToHaveAContentType(t *testing.T) {
	f := newFixture(t, Options{})
	for _, path := range []string{"/api/v1/veo/generate", "/api/v1/veo/extend", "/api/v1/veo/get-4k-video", "/api/v1/common/download-url"} {
		if got := f.call(http.MethodPost, path, `{"prompt":"a"}`, func(r *http.Request) { r.Header.Del("Content-Type") }); got.Code != 401 {
			t.Errorf("POST %s without a Content-Type is answered %s, want code 401", path, got.Body)
		}
	}
}

func TestKeyCanBeChanged(t *testing.T) {
	f := newFixture(t, Options{})
	f.SetAPIKey("rotated")
	if got := f.submit(fields{"prompt": "a"}); got.Code != 401 {
		t.Errorf("the old key got code %d, want 401", got.Code)
	}
	f.SetAPIKey(testAPIKey)
	f.accept(fields{"prompt": "a"})
	f.SetAPIKey("")
	if got := f.call(http.MethodGet, "/api/v1/chat/credit", "", func(r *http.Request) { r.Header.Del("Authorization") }); got.Code != 200 {
		t.Errorf("without an expected key a client without one got code %d, want 200", got.Code)
	}
}

func TestUnknownPathsAre404(t *testing.T) {
	f := newFixture(t, Options{})
	for _, path := range []string{"/api/v1/veo/cancel", "/api/v1/veo/generate", "/"} {
		if got := f.call(http.MethodGet, path, ""); got.Status != 200 || got.Code != 404 {
			t.Errorf("GET %s got HTTP %d code %d, want HTTP 200 code 404", path, got.Status, got.Code)
		}
	}
}

func TestCredits(t *testing.T) {
	f := newFixture(t, Options{Credits: 310.5, Prices: map[string]float64{"veo3_lite": 0.25}})
	balance := func() any { return f.call(http.MethodGet, "/api/v1/chat/credit", "").Data }

	f.accept(fields{"prompt": "a", "model": "veo3"})
	f.accept(fields{"prompt": "a", "model": "veo3_lite"})
	f.accept(fields{"prompt": "a [sim:fail=501]"})
	if got := balance(); got != 0.25 {
		t.Errorf("balance is %v after buying for 310.25 of 310.5", got)
	}
	got := f.submit(fields{"prompt": "a"})
	want := answer{Status: 200, Code: 402, Msg: "The current credits are insufficient. Please top up.",
		Body: `{"code":402,"msg":"The current credits are insufficient. Please top up.","data":null}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer without credits (-want +got):\n%s", diff)
	}

	f.clock.advance(5 * time.Second)
	if got := balance(); got != 60.25 {
		t.Errorf("balance is %v after a task of 60 credits failed, want 60.25", got)
	}
	f.accept(fields{"prompt": "a"})
	f.SetCredits(60)
	f.accept(fields{"prompt": "a"})
	if got := f.State(); got.PaidTasks != 5 || got.Balance != 0 {
		t.Errorf("%d tasks were paid and %v credits are left, want 5 and 0", got.PaidTasks, got.Balance)
	}
}

func TestBalanceCanBeAnyNumber(t *testing.T) {
	f := newFixture(t, Options{})
	for balance, want := range map[float64]string{-0.25: "-0.25", 1e40: "1e+40", math.MaxFloat64: "1.7976931348623157e+308", 0.1 + 0.2: "0.3"} {
		f.SetCredits(balance)
		if got := f.call(http.MethodGet, "/api/v1/chat/credit", ""); got.Body != `{"code":200,"msg":"success","data":`+want+`}` {
			t.Errorf("a balance of %v is answered %s", balance, got.Body)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a balance that JSON cannot express is taken")
		}
	}()
	f.SetCredits(math.Inf(1))
}

func TestRateLimitIsASlidingWindow(t *testing.T) {
	f := newFixture(t, Options{RateLimit: 2, RateWindow: 10 * time.Second})
	steps := []struct {
		after time.Duration
		want  int
	}{
		{0, 200},
		{6 * time.Second, 200},
		{3999 * time.Millisecond, 429}, // 9.999 s after the first
		{time.Millisecond, 200},        // the first has left
		{0, 429},
		{6 * time.Second, 200}, // the second has left; a fixed window would have let two in
		{0, 429},
	}
	for i, step := range steps {
		f.clock.advance(step.after)
		got := f.submit(fields{"prompt": "a"})
		if got.Code != step.want {
			t.Errorf("step %d: code %d, want %d", i, got.Code, step.want)
		}
		if got.Code == 429 && got.Body != `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}` {
			t.Errorf("step %d: body %s", i, got.Body)
		}
	}
	state := f.State()
	if diff := cmp.Diff(MaxInWindow{Accepted: 2, Submissions: 5}, state.MaxInWindow); diff != "" {
		t.Errorf("largest numbers in a window (-want +got):\n%s", diff)
	}
	if state.Refused429 != 3 || state.PaidTasks != 4 {
		t.Errorf("%d refused and %d paid, want 3 and 4", state.Refused429, state.PaidTasks)
	}
}

func TestRateLimitHoldsUnderConcurrency(t *testing.T) {
	f := newFixture(t, Options{})
	var clients sync.WaitGroup
	for range 60 {
		clients.Go(func() {
			if _, err := f.do(t.Context(), http.MethodPost, "/api/v1/veo/generate", `{"prompt":"a"}`); err != nil {
				t.Errorf("submitting: %v", err)
			}
		})
	}
	clients.Wait()
	state := f.State()
	if state.PaidTasks != 20 || state.Refused429 != 40 {
		t.Errorf("%d paid and %d refused, want 20 and 40", state.PaidTasks, state.Refused429)
	}
	if diff := cmp.Diff(MaxInWindow{Accepted: 20, Submissions: 60}, state.MaxInWindow); diff != "" {
		t.Errorf("largest numbers in a window (-want +got):\n%s", diff)
	}
}

func TestNoRateLimit(t *testing.T) {
	f := newFixture(t, Options{RateLimit: -1})
	for range 30 {
		f.accept(fields{"prompt": "a"})
	}
}

func TestHTTPStatusMode(t *testing.T) {
	cases := map[HTTPStatusMode]map[int]int{
		HTTPStatusBody:  {401: 200, 402: 200, 422: 200, 429: 200, 455: 200, 501: 200},
		HTTPStatusMixed: {401: 401, 402: 200, 422: 200, 429: 429, 455: 200, 501: 501},
		HTTPStatusReal:  {401: 401, 402: 402, 422: 422, 429: 429, 455: 455, 501: 501},
	}
	for mode, statuses := range cases {
		t.Run(string(mode), func(t *testing.T) {
			f := newFixture(t, Options{HTTPStatusMode: mode})
			for code, status := range statuses {
				got := f.submit(fields{"prompt": fmt.Sprintf("[sim:submit=%d]", code)})
				if got.Status != status || got.Code != code {
					t.Errorf("code %d came as HTTP %d with code %d, want HTTP %d", code, got.Status, got.Code, status)
				}
			}
		})
	}
}
