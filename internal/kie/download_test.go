// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

const testVideo = "https://tempfile.aiquickdraw.com/v/5a1f0c3e9b7d48e2a6c4f80b1d2e3a47_1790000071.mp4"

const testLink = "https://file.aiquickdraw.com/v/5a1f.mp4?Expires=1790001200&Signature=ab%2Bcd"

func TestDownloadURL(t *testing.T) {
	requests := make(chan string, 1)
	server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header["Authorization"], r.Header["Content-Type"], " ", string(body))
		kieapi.Answering(200, `{"code":200,"msg":"success","data":"`+testLink+`"}`)(w, r)
	})
	got, err := newTestClient(t).DownloadURL(t.Context(), endpointAt(server.URL), testVideo)
	if err != nil || got != testLink {
		t.Errorf("got %q, %v, want %q", got, err, testLink)
	}
	want := `POST /api/v1/common/download-url [Bearer ` + testKey + `] [application/json] {"url":"` + testVideo + `"}`
	if diff := cmp.Diff(want, <-requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDownloadURLErrors(t *testing.T) {
	for _, tc := range []struct {
		reason string
		status int
		body   string
		class  Class
		code   int
	}{
		{"recorded for a URL of somebody else", 200, `{"code":422,"msg":"url is wrong","data":null}`, Invalid, 422},
		{"the same over HTTP", 422, `{"code":422,"msg":"url is wrong"}`, Invalid, 422},
		{"the key", 200, `{"code":401}`, Unauthorized, 401},
		{"too fast", 200, `{"code":429}`, RateLimited, 429},
		{"maintenance", 200, `{"code":455}`, Maintenance, 455},
		{"broken", 200, `{"code":500}`, Unavailable, 500},
		{"a gateway's 422 says nothing about the URL", 422, `<html>`, Unavailable, 422},
		{"a gateway's 404 says nothing about the file", 404, `<html>`, Unavailable, 404},
		{"a gateway's 404 says nothing about the file", 404, `{"code":404,"message":"not found"}`, Unavailable, 404},
		{"a gateway's 401 is no word on the key", 401, `<html>`, Unavailable, 401},
		{"a gateway", 502, `<html>`, Unavailable, 502},
		{"no link", 200, `{"code":200,"data":null}`, Unavailable, 0},
		{"an empty link", 200, `{"code":200,"data":""}`, Unavailable, 0},
		{"a link in an object is not documented", 200, `{"code":200,"data":{"url":"` + testLink + `"}}`, Unavailable, 0},
		{"nothing that can be fetched", 200, `{"code":200,"data":"file:///etc/passwd"}`, Unavailable, 0},
		{"longer than is believed", 200, `{"code":200,"data":"https://a.example/` + strings.Repeat("x", 2048) + `"}`, Unavailable, 0},
		{"a link beside a refusal", 200, `{"code":422,"msg":"","data":"` + testLink + `"}`, Invalid, 422},
		{"no answer of the API", 200, `"` + testLink + `"`, Unavailable, 0},
	} {
		t.Run(fmt.Sprintf("%d %.40s", tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			got, err := newTestClient(t).DownloadURL(t.Context(), endpointAt(server.URL), testVideo)
			var failure *Error
			if !errors.As(err, &failure) || got != "" {
				t.Fatalf("%s: got %q, %v, want an *Error", tc.reason, got, err)
			}
			if failure.Class != tc.class || failure.Code != tc.code {
				t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *failure, tc.class, tc.code)
			}
		})
	}
}

func TestDownloadURLWithoutAnswer(t *testing.T) {
	_, err := newTestClient(t).DownloadURL(t.Context(), endpointAt("http://"+kieapi.RefusingAddress(t)), testVideo)
	var failure *Error
	if !errors.As(err, &failure) || failure.Class != Unavailable {
		t.Errorf("got %v, want %s", err, Unavailable)
	}
}
