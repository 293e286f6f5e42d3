// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

const (
	testUploadedURL = "https://tempfile.redpandaai.co/kieai/123456/images/in/a1.png"
	uploadedBody    = `{"success":true,"code":200,"msg":"File uploaded successfully","data":{"success":true,` +
		`"fileName":"a1.png","filePath":"kieai/123456/images/in/a1.png","downloadUrl":"` + testUploadedURL + `",` +
		`"fileSize":70,"mimeType":"image/png","uploadedAt":"2026-04-16T07:19:12.309Z"}}`
)

var testFile = UploadFile{Name: "a1.png", Path: "images/in", ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n--\x00\xff")}

func TestUploadSends(t *testing.T) {
	type part struct{ Name, File, Type, Content string }
	type received struct {
		Line, Key, Accept, Agent string
		Length                   bool
		Parts                    []part
	}
	for _, tc := range []struct {
		reason string
		file   UploadFile
		want   []part
	}{
		{"as documented", testFile, []part{
			{Name: "uploadPath", Content: "images/in"},
			{Name: "fileName", Content: "a1.png"},
			{Name: "file", File: "a1.png", Type: "image/png", Content: string(testFile.Data)},
		}},
		{"the API wants a path without slashes around it", UploadFile{Name: "b", Path: "/x/y/", ContentType: "image/webp"}, []part{
			{Name: "uploadPath", Content: "x/y"},
			{Name: "fileName", Content: "b"},
			{Name: "file", File: "b", Type: "image/webp"},
		}},
		{"a name cannot leave its place", UploadFile{Name: "a\"; x=\"\r\nX: y", Path: "p", ContentType: "image/png"}, []part{
			{Name: "uploadPath", Content: "p"},
			{Name: "fileName", Content: "a\"; x=\"\r\nX: y"},
			{Name: "file", File: "a\"; x=\"%0D%0AX: y", Type: "image/png"},
		}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			requests := make(chan received, 1)
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				got := received{
					r.Method + " " + r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Accept"), r.Header.Get("User-Agent"),
					r.ContentLength > 0 && len(r.TransferEncoding) == 0, nil,
				}
				reader, err := r.MultipartReader()
				for err == nil {
					p, err := reader.NextRawPart()
					if err != nil {
						break
					}
					content, _ := io.ReadAll(p)
					got.Parts = append(got.Parts, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
				}
				requests <- got
				kieapi.Answering(200, uploadedBody)(w, r)
			})
			file, err := newTestClient(t).Upload(t.Context(), endpointAt(server.URL), tc.file)
			if diff := cmp.Diff(UploadedFile{URL: testUploadedURL}, file); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			want := received{"POST /api/file-stream-upload", "Bearer " + testKey, "application/json", userAgent, true, tc.want}
			if diff := cmp.Diff(want, <-requests); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// Uploading is free, so the transport may send the form again on a new
// connection; it must then be whole.
func TestUploadCanBeSentAgain(t *testing.T) {
	req, err := uploadRequest(t.Context(), endpointAt("https://upload.example"), testFile)
	if err != nil {
		t.Fatal(err)
	}
	first, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	second, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("the second time it is another form (-first +second):\n%s", diff)
	}
	if int64(len(first)) != req.ContentLength || !bytes.Contains(first, testFile.Data) {
		t.Errorf("got %d bytes, announced %d:\n%q", len(first), req.ContentLength, first)
	}
}

func TestUploadErrors(t *testing.T) {
	const secretive = `{"success":false,"code":401,"msg":"key ` + testKey + ` is unknown"}`
	for _, tc := range []struct {
		reason string
		status int
		body   string
		class  Class
		code   int
	}{
		{"documented: nobody has looked at the picture, the form is wrong", 400, `{"success":false,"code":400,"msg":"Missing required parameter: uploadPath"}`, Invalid, 400},
		{"the same in the body", 200, `{"success":false,"code":400,"msg":"Missing required parameter: uploadPath"}`, Invalid, 400},
		{"documented", 401, secretive, Unauthorized, 401},
		{"the same in the body", 200, secretive, Unauthorized, 401},
		{"documented", 405, `{"success":false,"code":405,"msg":"method not allowed"}`, NotFound, 405},
		{"documented", 500, `{"success":false,"code":500,"msg":"upload failed"}`, Unavailable, 500},
		{"the same in the body", 200, `{"success":false,"code":500}`, Unavailable, 500},
		{"too fast", 200, `{"code":429}`, RateLimited, 429},
		{"the file is too large", 413, `{"success":false,"code":413,"msg":"too large"}`, Invalid, 413},
		{"the file is too large even for the gateway", 413, `<html>too large</html>`, Invalid, 413},
		{"a gateway's 400 says nothing about the file", 400, `<html>bad request</html>`, Unavailable, 400},
		{"a gateway's 400 says nothing about the file", 400, `{"code":400,"message":"bad request"}`, Unavailable, 400},
		{"a gateway's 401 is no word on the key", 401, `<html>who are you</html>`, Unavailable, 401},
		{"the robot check of the gateway", 403, `error code: 1010`, Unavailable, 403},
		{"a gateway", 502, `<html>`, Unavailable, 502},
		{"moved", 307, ``, Unavailable, 307},
		{"no success, says the envelope", 200, `{"success":false,"code":200,"msg":"?","data":{"downloadUrl":"` + testUploadedURL + `"}}`, Unavailable, 200},
		{"no success, says the data", 200, `{"success":true,"code":200,"data":{"success":"false","downloadUrl":"` + testUploadedURL + `"}}`, Unavailable, 200},
		{"data a list", 200, `{"code":200,"data":["` + testUploadedURL + `"]}`, Unavailable, 200},
		{"no data", 200, `{"success":true,"code":200,"data":null}`, Unavailable, 0},
		{"the names of the quickstart do not occur", 200, `{"success":true,"code":200,"data":{"fileUrl":"` + testUploadedURL + `","expiresAt":"x"}}`, Unavailable, 0},
		{"nothing that can be fetched", 200, `{"success":true,"code":200,"data":{"downloadUrl":"/kieai/a1.png"}}`, Unavailable, 0},
		{"nothing", 200, ``, Unavailable, 0},
	} {
		t.Run(fmt.Sprintf("%d %.60s", tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			got, err := newTestClient(t).Upload(t.Context(), endpointAt(server.URL), testFile)
			var failure *Error
			if !errors.As(err, &failure) || got != (UploadedFile{}) {
				t.Fatalf("%s: got %+v, %v, want an *Error", tc.reason, got, err)
			}
			if failure.Class != tc.class || failure.Code != tc.code {
				t.Errorf("%s: got %+v, want class %s, code %d", tc.reason, *failure, tc.class, tc.code)
			}
			if strings.Contains(err.Error(), testKey) {
				t.Errorf("%s: the error holds the key: %v", tc.reason, err)
			}
		})
	}
}

func TestUploadSuccesses(t *testing.T) {
	for _, tc := range []struct{ reason, body string }{
		{"recorded", uploadedBody},
		{"no word of success beside the code", `{"code":200,"data":{"downloadUrl":"` + testUploadedURL + `"}}`},
		{"null is no word", `{"success":null,"code":200,"data":{"success":null,"downloadUrl":"` + testUploadedURL + `"}}`},
	} {
		server := kieapi.NewServer(t, kieapi.Answering(200, tc.body))
		got, err := newTestClient(t).Upload(t.Context(), endpointAt(server.URL), testFile)
		if err != nil || got.URL != testUploadedURL {
			t.Errorf("%s: got %+v, %v", tc.reason, got, err)
		}
	}
}

func TestUploadWithoutAnswer(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	server := kieapi.NewServer(t, kieapi.Answering(200, uploadedBody))
	for _, tc := range []struct {
		reason string
		ctx    context.Context
		ep     Endpoint
	}{
		{"nobody listens", t.Context(), endpointAt("http://" + kieapi.RefusingAddress(t))},
		{"the caller has given up", cancelled, endpointAt(server.URL)},
		{"no request can be made of it", t.Context(), endpointAt("http://bad host")},
	} {
		_, err := newTestClient(t).Upload(tc.ctx, tc.ep, testFile)
		var failure *Error
		if !errors.As(err, &failure) || failure.Class != Unavailable || failure.Err == nil {
			t.Errorf("%s: got %v, want Unavailable with a cause", tc.reason, err)
		}
	}
}
