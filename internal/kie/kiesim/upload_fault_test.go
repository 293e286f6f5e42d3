// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUploadFaults uploads with each fault, and once more after it.
func TestUploadFaults(t *testing.T) {
	refused := func(code, message string) string {
		return `{"success":false,"code":` + code + `,"msg":"` + message + `"}`
	}
	cases := map[UploadFault]answer{
		UploadFault500:     {Status: 500, Code: 500, Body: refused("500", answerMessages[500])},
		UploadFault401:     {Status: 401, Code: 401, Body: refused("401", answerMessages[401])},
		UploadFaultCode400: {Status: 200, Code: 400, Body: refused("400", "File upload failed")},
		UploadFaultGarbage: {Status: 200, Body: "\x00 upstream"},
		UploadFaultDrop:    {},
	}
	for fault, want := range cases {
		t.Run(string(fault), func(t *testing.T) {
			f := newFixture(t, Options{UploadFault: fault})
			body, contentType := form(t, "a.png", strings.Repeat("x", 1<<20), map[string]string{"uploadPath": "in"})
			got, err := f.do(t.Context(), http.MethodPost, "/api/file-stream-upload", body, func(r *http.Request) {
				r.Header.Set("Content-Type", contentType)
			})
			got.Msg = ""
			if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (fault == UploadFaultDrop) {
				t.Errorf("%v, answer (-want +got):\n%s", err, diff)
			}
			if count := f.State().Uploads.Count; count != 0 {
				t.Errorf("%d uploads are kept", count)
			}
			f.SetUploadFault(UploadFaultNone)
			if got := f.status(pathOf(t, f.uploaded("a.png"))); got != 200 {
				t.Errorf("the next upload is HTTP %d", got)
			}
		})
	}
}

func TestUploadFaultsThatDoNotExist(t *testing.T) {
	want := `upload fault "x" is not known: use none, 500, 401, code-400, garbage or drop`
	if err := (Options{UploadFault: "x"}).Validate(); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	defer func() {
		if got := recover(); got != "kiesim: "+want {
			t.Errorf("the setter panics with %v", got)
		}
	}()
	New(Options{}).SetUploadFault("x")
}
