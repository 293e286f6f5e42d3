// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/kie"
)

func TestDecodeCallback(t *testing.T) {
	code := func(n int32) *int32 { return &n }
	for _, tc := range []struct {
		reason, body string
		want         kie.Callback
	}{
		{
			"a finished generation",
			`{"code":200,"msg":"Veo3.1 video generated successfully.","data":{"taskId":"5a1f","promptJson":"{\"prompt\":\"slow dolly\"}",` +
				`"info":{"resultUrls":["https://tempfile.example/v/5a1f.mp4"],"resolution":"720p"},"fallbackFlag":false}}`,
			kie.Callback{TaskID: "5a1f", Code: code(200)},
		},
		{
			"a failed generation",
			`{"code":501,"msg":"Video generation task failed","data":{"taskId":"5a1f","fallbackFlag":false}}`,
			kie.Callback{TaskID: "5a1f", Code: code(501)},
		},
		{
			"a finished 4K version, with its keys in another order",
			`{"code":200,"data":{"creditsConsumed":120,"info":{"imageUrls":[],"resultUrls":[]},"taskId":"2c77"},"msg":"4K Video generated successfully."}`,
			kie.Callback{TaskID: "2c77", Code: code(200)},
		},
		{
			"the snake case of the 4K schema",
			`{"code":200,"data":{"task_id":"2c77","result_urls":[],"media_ids":[]}}`,
			kie.Callback{TaskID: "2c77", Code: code(200)},
		},
		{"the id at the top", `{"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"the id at the top, in snake case", `{"task_id":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{
			"the same id everywhere",
			`{"taskId":"5a1f","task_id":"5a1f","data":{"taskId":"5a1f","task_id":"5a1f"}}`,
			kie.Callback{TaskID: "5a1f"},
		},
		{"the same id twice under one key", `{"taskId":"5a1f","taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"places that are null or empty", `{"taskId":null,"task_id":"","data":{"taskId":"5a1f","task_id":null}}`, kie.Callback{TaskID: "5a1f"}},
		{"data that is null", `{"taskId":"5a1f","data":null}`, kie.Callback{TaskID: "5a1f"}},
		{"data that is a text", `{"taskId":"5a1f","data":"{\"taskId\":\"other\"}"}`, kie.Callback{TaskID: "5a1f"}},
		{"data that is a list", `{"taskId":"5a1f","data":[{"taskId":"other"}]}`, kie.Callback{TaskID: "5a1f"}},
		{"an id of another place is not one", `{"data":{"taskId":"5a1f","info":{"taskId":"other"}}}`, kie.Callback{TaskID: "5a1f"}},
		{"keys differ in case", `{"TaskID":"other","taskid":"other","data":{"taskId":"5a1f"}}`, kie.Callback{TaskID: "5a1f"}},
		{"a promptJson that is no JSON", `{"data":{"taskId":"5a1f","promptJson":"{\\h"}}`, kie.Callback{TaskID: "5a1f"}},
		{"a promptJson that is no text", `{"data":{"taskId":"5a1f","promptJson":{"a":[1]}}}`, kie.Callback{TaskID: "5a1f"}},
		{"a NUL in what is not read", `{"data":{"taskId":"5a1f"},"msg":"\u0000"}`, kie.Callback{TaskID: "5a1f"}},
		{"a byte order mark", "\xef\xbb\xbf{\"taskId\":\"5a1f\"}", kie.Callback{TaskID: "5a1f"}},
		{"white space around", " \r\n\t{ \"taskId\" : \"5a1f\" }\n", kie.Callback{TaskID: "5a1f"}},
		{"an id as in the documentation", `{"taskId":"veo_task_abcdef123456"}`, kie.Callback{TaskID: "veo_task_abcdef123456"}},
		{"an id with an escape", `{"taskId":"\u0035a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"the longest id", `{"taskId":"` + strings.Repeat("a", 128) + `"}`, kie.Callback{TaskID: strings.Repeat("a", 128)}},
		{"a code in a text", `{"code":"501","taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f", Code: code(501)}},
		{"a code that is written as a fraction", `{"code":2e2,"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f", Code: code(200)}},
		{"a code that is null", `{"code":null,"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"a code that is a word", `{"code":"ok","taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"a code that is too large", `{"code":99999999999,"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"a code that is a list", `{"code":[200],"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
		{"two codes that agree", `{"code":200,"code":"200","taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f", Code: code(200)}},
		{"two codes that differ", `{"code":200,"code":501,"taskId":"5a1f"}`, kie.Callback{TaskID: "5a1f"}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			got, err := kie.DecodeCallback([]byte(tc.body))
			if err != nil {
				t.Fatalf("DecodeCallback(): %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("DecodeCallback(): -want +got\n%s", diff)
			}
		})
	}
}

func TestDecodeCallbackErrors(t *testing.T) {
	for _, tc := range []struct {
		reason, body string
		want         error
	}{
		{"nothing", ``, kie.ErrCallbackMalformed},
		{"white space", " \n", kie.ErrCallbackMalformed},
		{"null", `null`, kie.ErrCallbackMalformed},
		{"a list", `[{"taskId":"5a1f"}]`, kie.ErrCallbackMalformed},
		{"a text", `"5a1f"`, kie.ErrCallbackMalformed},
		{"a number", `200`, kie.ErrCallbackMalformed},
		{"a form", `taskId=5a1f&code=200`, kie.ErrCallbackMalformed},
		{"half an object", `{"taskId":"5a1f"`, kie.ErrCallbackMalformed},
		{"a comma too many", `{"taskId":"5a1f",}`, kie.ErrCallbackMalformed},
		{"a key without a value", `{"taskId"}`, kie.ErrCallbackMalformed},
		{"a key that is no text", `{1:"5a1f"}`, kie.ErrCallbackMalformed},
		{"two objects", `{"taskId":"5a1f"}{"taskId":"5a1f"}`, kie.ErrCallbackMalformed},
		{"something behind it", `{"taskId":"5a1f"} x`, kie.ErrCallbackMalformed},
		{"a NUL behind it", "{\"taskId\":\"5a1f\"}\x00", kie.ErrCallbackMalformed},
		{"a NUL in the id", "{\"taskId\":\"5a1f\x00\"}", kie.ErrCallbackMalformed},
		{"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf{\"taskId\":\"5a1f\"}", kie.ErrCallbackMalformed},
		{"UTF-16", "\xff\xfe{\x00}\x00", kie.ErrCallbackMalformed},
		{"more depth than anybody needs", `{"taskId":"5a1f","data":` + strings.Repeat("[", 60000), kie.ErrCallbackMalformed},
		{"no id", `{"data":{"info":{}}}`, kie.ErrCallbackNoTaskID},
		{"an id that cannot be used, beside a code", `{"code":500,"taskId":5}`, kie.ErrCallbackInvalidTaskID},
		{"ids that differ, beside a code", `{"code":500,"taskId":"5a1f","data":{"taskId":"other"}}`, kie.ErrCallbackTaskIDsDiffer},
		{"an empty object", `{}`, kie.ErrCallbackNoTaskID},
		{"an empty id", `{"taskId":"","data":{"taskId":null}}`, kie.ErrCallbackNoTaskID},
		{"an id that is a number", `{"taskId":5}`, kie.ErrCallbackInvalidTaskID},
		{"an id that is an object", `{"data":{"taskId":{}}}`, kie.ErrCallbackInvalidTaskID},
		{"an id that is a list beside one that is right", `{"taskId":["5a1f"],"data":{"taskId":"5a1f"}}`, kie.ErrCallbackInvalidTaskID},
		{"an id with a space", `{"taskId":"5a1f "}`, kie.ErrCallbackInvalidTaskID},
		{"an id with a line break", `{"taskId":"5a1f\n"}`, kie.ErrCallbackInvalidTaskID},
		{"an id with an escaped NUL", `{"taskId":"5a1f\u0000"}`, kie.ErrCallbackInvalidTaskID},
		{"an id beyond ASCII", `{"taskId":"5а1f"}`, kie.ErrCallbackInvalidTaskID},
		{"an id that is no UTF-8", "{\"taskId\":\"5a\xff1f\"}", kie.ErrCallbackInvalidTaskID},
		{"an id that is too long", `{"taskId":"` + strings.Repeat("a", 129) + `"}`, kie.ErrCallbackInvalidTaskID},
		{"data and top differ", `{"taskId":"5a1f","data":{"taskId":"other"}}`, kie.ErrCallbackTaskIDsDiffer},
		{"the two cases differ", `{"data":{"taskId":"5a1f","task_id":"other"}}`, kie.ErrCallbackTaskIDsDiffer},
		{"the ids differ in case", `{"taskId":"5a1f","task_id":"5A1F"}`, kie.ErrCallbackTaskIDsDiffer},
		{"a key twice, and the last is right", `{"data":{"taskId":"other","taskId":"5a1f"}}`, kie.ErrCallbackTaskIDsDiffer},
		{"a key twice, and the first is right", `{"data":{"taskId":"5a1f","taskId":"other"}}`, kie.ErrCallbackTaskIDsDiffer},
		{"a key twice, once with an escape", `{"taskId":"5a1f","task\u0049d":"other"}`, kie.ErrCallbackTaskIDsDiffer},
		{"data twice", `{"data":{"taskId":"5a1f"},"data":{"taskId":"other"}}`, kie.ErrCallbackTaskIDsDiffer},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			got, err := kie.DecodeCallback([]byte(tc.body))
			if !errors.Is(err, tc.want) {
				t.Errorf("DecodeCallback() error = %v, want %v", err, tc.want)
			}
			if diff := cmp.Diff(kie.Callback{}, got); diff != "" {
				t.Errorf("DecodeCallback() returned something beside the error: -want +got\n%s", diff)
			}
		})
	}
}

// A 4K version that failed may be reported without any task: whoever knows by
// other means what the callback is about can still know how it ended.
func TestDecodeCallbackWithoutTaskKeepsTheCode(t *testing.T) {
	code := func(n int32) *int32 { return &n }
	for _, tc := range []struct {
		reason, body string
		want         *int32
	}{
		{"as documented", `{"code":500,"msg":"The 4K version of this video is unavailable. Please try a different video.","data":null}`, code(500)},
		{"without data", `{"code":"400"}`, code(400)},
		{"ids that are null", `{"code":501,"taskId":null,"data":{"taskId":"","task_id":null}}`, code(501)},
		{"a success that names nothing", `{"code":200,"data":{"info":{}}}`, code(200)},
		{"no code either", `{"msg":"?"}`, nil},
		{"two codes that differ", `{"code":200,"code":500}`, nil},
	} {
		got, err := kie.DecodeCallback([]byte(tc.body))
		if !errors.Is(err, kie.ErrCallbackNoTaskID) {
			t.Errorf("%s: DecodeCallback() error = %v, want %v", tc.reason, err, kie.ErrCallbackNoTaskID)
		}
		if diff := cmp.Diff(kie.Callback{Code: tc.want}, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tc.reason, diff)
		}
	}
}

// FuzzDecodeCallback holds DecodeCallback against the usual decoder, of which
// it must never say something else: another reader of the same body would then
// see another task.
func FuzzDecodeCallback(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"taskId":"5a1f"}`, `{"data":{"task_id":"5a1f"},"code":"200"}`,
		`{"code":200,"data":{"taskId":"5a1f","promptJson":"{\\h"}}`,
		`{"data":{"taskId":"a","taskId":"b"}}`, `{"taskId":"a","data":{"taskId":"b"}}`,
		"\xef\xbb\xbf{\"taskId\":\"5a1f\"}", `{"taskId":"5a1f"}{}`, `{"taskId":"\u0000"}`, `{"task\u0049d":"a"}`,
		`{"data":{"taskId":"a"},"data":null}`, `{"code":1e999,"taskId":"a"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := kie.DecodeCallback(body)
		if err != nil {
			if errors.Is(err, kie.ErrCallbackNoTaskID) {
				got.Code = nil
			}
			if got != (kie.Callback{}) {
				t.Fatalf("something was returned beside %v", err)
			}
			return
		}
		if !kie.ValidTaskID(got.TaskID) {
			t.Fatalf("the id %q cannot be used", got.TaskID)
		}
		var usual map[string]any
		decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(string(body), "\ufeff")))
		decoder.UseNumber() // or it refuses numbers that no float64 can hold
		if err := decoder.Decode(&usual); err != nil {
			t.Fatalf("the usual decoder refuses what was accepted: %v", err)
		}
		data, _ := usual["data"].(map[string]any)
		for _, id := range []any{usual["taskId"], usual["task_id"], data["taskId"], data["task_id"]} {
			if id != nil && id != "" && id != got.TaskID {
				t.Fatalf("DecodeCallback() = %q, and the usual decoder reads %q", got.TaskID, id)
			}
		}
		if strings.HasPrefix(string(body), "\ufeff") {
			return // a byte order mark is one at the very beginning only
		}
		again, err := kie.DecodeCallback([]byte("\n " + string(body) + "\n"))
		if err != nil || again.TaskID != got.TaskID {
			t.Fatalf("white space around it changes the result to %q, %v", again.TaskID, err)
		}
	})
}
