// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// png is what a PNG file begins with.
const png = "\x89PNG\x0d\x0a\x1a\x0a"

// form returns a multipart form with a file, which may be called "", and values.
func form(t *testing.T, fileName, content string, values map[string]string) (body, contentType string) {
	t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for name, value := range values {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if fileName != "" {
		part, err := w.CreateFormFile("file", fileName)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String(), w.FormDataContentType()
}

// uploadForm uploads a file as a stream.
func (f *fixture) uploadForm(fileName, content string, values map[string]string) answer {
	f.t.Helper()
	body, contentType := form(f.t, fileName, content, values)
	return f.call(http.MethodPost, "/api/file-stream-upload", body, func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
}

// uploaded uploads an image and returns its URL.
func (f *fixture) uploaded(name string) string {
	f.t.Helper()
	got := f.uploadForm("local.png", png, map[string]string{"uploadPath": "images/in", "fileName": name})
	url, _ := got.Data.(map[string]any)["downloadUrl"].(string)
	if got.Status != 200 || got.Code != 200 || url == "" {
		f.t.Fatalf("upload failed: %s", got.Body)
	}
	return url
}

func TestUpload(t *testing.T) {
	base64PNG := base64.StdEncoding.EncodeToString([]byte(png))
	uploads := map[string]func(f *fixture) answer{
		"stream": func(f *fixture) answer {
			return f.uploadForm("local.png", png, map[string]string{"uploadPath": "images/in", "fileName": "a 1.png"})
		},
		"base64": func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-base64-upload",
				fields{"base64Data": base64PNG, "uploadPath": "images/in", "fileName": "a 1.png"}.json())
		},
		"data URL": func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-base64-upload",
				fields{"base64Data": "data:image/png;base64," + base64PNG, "uploadPath": "images/in", "fileName": "a 1.png"}.json())
		},
	}
	for name, upload := range uploads {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.clock.advance(309 * time.Millisecond)
			got := upload(f)
			want := `{"success":true,"code":200,"msg":"File uploaded successfully","data":{"success":true,` +
				`"fileName":"a 1.png","filePath":"kieai/123456/images/in/a 1.png",` +
				`"downloadUrl":"` + f.server.URL + `/kieai/123456/images/in/a%201.png",` +
				`"fileSize":8,"mimeType":"image/png","uploadedAt":"2026-11-01T12:00:00.309Z"}}`
			if diff := cmp.Diff(want, got.Body); diff != "" || got.Status != 200 {
				t.Errorf("HTTP %d, answer (-want +got):\n%s", got.Status, diff)
			}
			if served := f.call(http.MethodGet, "/kieai/123456/images/in/a%201.png", "", func(r *http.Request) { r.Header = nil }); served.Body != png {
				t.Errorf("the file is HTTP %d %q", served.Status, served.Body)
			}
			if diff := cmp.Diff(Uploads{Count: 1, Paths: []string{"kieai/123456/images/in/a 1.png"}}, f.State().Uploads); diff != "" {
				t.Errorf("uploads (-want +got):\n%s", diff)
			}
			if f.balance() != 10000 {
				t.Errorf("balance is %v: uploads are free", f.balance())
			}
		})
	}
}

// TestUploadIsNamedIfNobodyDoes uploads without fileName. The name of the part of a
// form is not one.
func TestUploadIsNamedIfNobodyDoes(t *testing.T) {
	base64PNG := base64.StdEncoding.EncodeToString([]byte(png))
	data := func(content string) func(f *fixture) answer {
		return func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-base64-upload", fields{"base64Data": content, "uploadPath": "in"}.json())
		}
	}
	stream := func(name, content string) func(f *fixture) answer {
		return func(f *fixture) answer { return f.uploadForm(name, content, map[string]string{"uploadPath": "in"}) }
	}
	cases := map[string]struct {
		upload    func(f *fixture) answer
		extension string
	}{
		"stream":                           {stream("a 1.JPE", png), "jpe"},
		"stream of a name without an end":  {stream("local", png), "png"},
		"stream of a name with a bad end":  {stream("local.p/n?g", png), "png"},
		"stream of a picture with no name": {stream("x.", "\xff\xd8\xff"), "jpg"},
		"base64":                           {data(base64PNG), "png"},
		"data URL":                         {data("data:image/webp;base64," + base64PNG), "webp"},
		"text":                             {data("eA=="), "txt"},
		"bytes":                            {data("AAEC"), "bin"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := test.upload(f)
			sent, _ := got.Data.(map[string]any)
			fileName, _ := sent["fileName"].(string)
			form := regexp.MustCompile(`^1793534400000-[0-9a-z]{8,12}\.` + test.extension + `$`)
			if got.Status != 200 || !form.MatchString(fileName) || sent["filePath"] != "kieai/123456/in/"+fileName {
				t.Errorf("answer is HTTP %d %s", got.Status, got.Body)
			}
			if again := test.upload(f).Data.(map[string]any); again["fileName"] == fileName {
				t.Errorf("two files have the name %s", fileName)
			}
		})
	}
}

func TestUploadErrorsAreHTTPErrors(t *testing.T) {
	stream := func(values map[string]string) func(f *fixture) answer {
		return func(f *fixture) answer { return f.uploadForm("a.png", png, values) }
	}
	data := func(request fields, edits ...func(*http.Request)) func(f *fixture) answer {
		return func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-base64-upload", request.json(), edits...)
		}
	}
	cases := map[string]struct {
		upload func(f *fixture) answer
		status int
		names  string
	}{
		"stream without a folder": {stream(nil), 400, "Missing required parameter: uploadPath"},
		"stream without a file": {func(f *fixture) answer {
			return f.uploadForm("", "", map[string]string{"uploadPath": "in"})
		}, 400, "Missing required parameter: file"},
		"base64 without a folder": {data(fields{"base64Data": "eA=="}), 400, "Missing required parameter: uploadPath"},
		"base64 without data":     {data(fields{"uploadPath": "in"}), 400, "Missing required parameter: base64Data"},
		"no base64":               {data(fields{"base64Data": "?", "uploadPath": "in"}), 400, "base64Data"},
		"no text":                 {data(fields{"base64Data": 7, "uploadPath": "in"}), 400, "base64Data"},
		"folder with slashes":     {stream(map[string]string{"uploadPath": "/in/"}), 400, "uploadPath"},
		"folder outside":          {stream(map[string]string{"uploadPath": "in/../.."}), 400, "uploadPath"},
		"name with a folder":      {stream(map[string]string{"uploadPath": "in", "fileName": "a/b"}), 400, "fileName"},
		"name of a folder":        {stream(map[string]string{"uploadPath": "in", "fileName": ".."}), 400, "fileName"},
		"wrong key": {data(fields{"base64Data": "eA==", "uploadPath": "in"},
			func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }), 401, "access permissions"},
		"JSON as a stream": {func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-stream-upload", "{}")
		}, 401, "access permissions"},
		"no form": {func(f *fixture) answer {
			return f.call(http.MethodPost, "/api/file-stream-upload", "x", func(r *http.Request) {
				r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			})
		}, 400, "multipart"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := test.upload(f)
			var body map[string]any
			if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
				t.Fatalf("answer %q is no JSON: %v", got.Body, err)
			}
			if got.Status != test.status || !strings.Contains(got.Msg, test.names) {
				t.Errorf("answer is HTTP %d %s, want %d and %q", got.Status, got.Body, test.status, test.names)
			}
			delete(body, "msg")
			if diff := cmp.Diff(map[string]any{"success": false, "code": float64(test.status)}, body); diff != "" {
				t.Errorf("the rest of the answer (-want +got):\n%s", diff)
			}
			if f.State().Uploads.Count != 0 {
				t.Error("the upload counts")
			}
		})
	}
	f := newFixture(t, Options{})
	if got := f.call(http.MethodPost, "/api/file-base64-upload", "{}", func(r *http.Request) { r.Header.Set("User-Agent", "") }); got.Status != 403 {
		t.Errorf("without a user agent: HTTP %d, want 403", got.Status)
	}
}

func TestUploadReplacesAndExpires(t *testing.T) {
	f := newFixture(t, Options{UploadRetention: time.Hour})
	url := f.uploaded("a.png")
	path := pathOf(t, url)
	f.clock.advance(59 * time.Minute)
	if again := f.uploadForm("x", "new", map[string]string{"uploadPath": "images/in", "fileName": "a.png"}); again.Status != 200 {
		t.Fatalf("upload failed: %s", again.Body)
	}
	if got := f.call(http.MethodGet, path, ""); got.Body != "new" {
		t.Errorf("the file is HTTP %d %q, want the new one", got.Status, got.Body)
	}
	if diff := cmp.Diff(Uploads{Count: 2, Paths: []string{"kieai/123456/images/in/a.png"}}, f.State().Uploads); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	f.clock.advance(time.Hour)
	if got := f.status(path); got != 200 {
		t.Errorf("the file is HTTP %d after its hour, want 200", got)
	}
	f.clock.advance(time.Nanosecond)
	if got := f.status(path); got != 404 {
		t.Errorf("the file is HTTP %d afterwards, want 404", got)
	}
}

func TestImagesThatWereUploadedHaveToBeThere(t *testing.T) {
	cases := map[string]struct {
		image func(f *fixture) string
		flag  float64
	}{
		"uploaded": {func(f *fixture) string { return f.uploaded("a.png") }, 1},
		"expired": {func(f *fixture) string {
			url := f.uploaded("a.png")
			f.clock.advance(25 * time.Hour)
			return url
		}, 3},
		"never uploaded":     {func(f *fixture) string { return f.server.URL + "/kieai/123456/images/in/b.png" }, 3},
		"somewhere else":     {func(*fixture) string { return "https://img.example/kieai/123456/a.png" }, 1},
		"a name to be coded": {func(f *fixture) string { return f.uploaded("a 1%.png") }, 1},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.made(fields{"prompt": "a", "imageUrls": []string{test.image(f)}})
			got := f.recordData(id)
			if got["successFlag"] != test.flag {
				t.Errorf("successFlag is %v, want %v", got["successFlag"], test.flag)
			}
			if test.flag == 3 && (got["errorCode"] != 400.0 || !strings.Contains(got["errorMessage"].(string), "Failed to fetch the image")) {
				t.Errorf("error is %v %v", got["errorCode"], got["errorMessage"])
			}
		})
	}
}
