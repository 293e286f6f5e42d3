// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// front is a server before a real one that refuses and answers some requests as
// other S3 servers do.
type front struct {
	// refuse returns the status and the code that a request is refused with, 0 if it is passed on.
	refuse func(r *http.Request) (status int, code string)
	// reword changes the headers of an answer, and returns its body. It may be nil.
	reword func(resp *http.Response, body string) string
}

// faulty is the place of a store behind a server that refuses some requests.
func faulty(t *testing.T, store s3Store, refuse func(r *http.Request) (status int, code string)) Place {
	t.Helper()
	return front{refuse: refuse}.before(t, store)
}

// before starts the server, and returns the place of the store behind it.
func (f front) before(t *testing.T, store s3Store) Place {
	t.Helper()
	target, err := url.Parse(store.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the signature is for this one
		},
		ModifyResponse: func(resp *http.Response) error {
			if f.reword == nil || resp.Request.Method == http.MethodHead {
				return nil
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			reworded := f.reword(resp, string(body))
			resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(reworded)), int64(len(reworded))
			resp.Header.Set("Content-Length", strconv.Itoa(len(reworded)))
			return nil
		},
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, code := f.refuse(r)
		if status == 0 {
			proxy.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>the server's own words</Message></Error>", code)
	}))
	t.Cleanup(server.Close)
	place := store.place()
	place.Endpoint = server.URL
	return place
}

// withoutChecksum refuses what a bucket with Object Lock refuses: a body without
// its Content-MD5, or with a wrong one.
func withoutChecksum(r *http.Request) (status int, code string) {
	body := bodyOf(r)
	sum := md5.Sum(body)
	switch got := r.Header.Get("Content-Md5"); {
	case got == "" && len(body) > 0:
		return http.StatusBadRequest, "InvalidRequest"
	case got != "" && got != base64.StdEncoding.EncodeToString(sum[:]):
		return http.StatusBadRequest, "BadDigest"
	default:
		return 0, ""
	}
}

// bodyOf returns the body of a request, which can be read again afterwards.
func bodyOf(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body) // what is missing fails the signature
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// withoutEncryption refuses what a bucket refuses whose policy demands an
// encryption, and perhaps a key.
func withoutEncryption(algorithm, key string) func(r *http.Request) (status int, code string) {
	return func(r *http.Request) (int, string) {
		asked := r.Header.Get("X-Amz-Server-Side-Encryption") == algorithm && r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == key
		if (isObject(r) || isCopy(r) || isBegin(r)) && !asked {
			return http.StatusForbidden, "AccessDenied"
		}
		return 0, ""
	}
}

// outside refuses what goes to another bucket, as for a key that is good for one.
func outside(r *http.Request) (status int, code string) {
	if !strings.HasPrefix(r.URL.Path, "/"+testBucket+"/"+testVideo.Key) && r.Method != http.MethodGet {
		return http.StatusForbidden, "AccessDenied"
	}
	return 0, ""
}

func isPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}

func isCopy(r *http.Request) bool { return r.Header.Get("X-Amz-Copy-Source") != "" }

func isBegin(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploads")
}

func isEnd(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

func isObject(r *http.Request) bool {
	return r.Method == http.MethodPut && !isPart(r) && !isCopy(r)
}

// isConditional says whether a request is to be done on a condition only.
func isConditional(r *http.Request) bool {
	for name := range r.Header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "if-") || strings.HasPrefix(name, "x-amz-copy-source-if-") {
			return true
		}
	}
	return false
}
