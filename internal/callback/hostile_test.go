// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// refusedByNetHTTP is the outcome of a request that never reaches the handler.
func refusedByNetHTTP(code int) *outcome { return &outcome{"", code} }

// Every request here differs from a genuine callback in one thing. None may
// change anything, reach the API server with a write, or leave a trace of what
// it said in the log.
func TestHostileRequests(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	vg := w.submit(t, "lighthouse", nil)
	other := w.submit(t, "harbour", func(status *v1alpha1.VideoGenerationStatus) { status.Task.ID = "2c77e0b15d9a4f36b8e1a0c4d5f60718" })
	deleted := w.submit(t, "deleted", nil)
	for _, each := range []*v1alpha1.VideoGeneration{vg, other, deleted} {
		r.sees(t, w, each)
	}
	if err := w.client.Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	r.forgets(t, deleted)

	genuine := call(vg)
	attempt, path, task := vg.Status.Task.Attempt, genuine.path, vg.Status.Task.ID
	signature := kie.Sign(hmacKey, task, fmt.Sprint(now.Unix()))
	rawSignature, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	withSignature := func(text string) request {
		return genuine.withHeaders(signed(hmacKey, task, now)[0], kie.HeaderSignature+": "+text)
	}
	withTimestamp := func(text string) request { return genuine.withHeaders(signedAs(hmacKey, task, text)...) }
	signedMessage := func(message string) request {
		id, timestamp, _ := strings.Cut(message, ".")
		return withSignature(kie.Sign(hmacKey, id, timestamp))
	}
	escaped := fmt.Sprintf("%%%02X%s", attempt[0], attempt[1:])
	strayBits := attempt[:21] + string(attempt[21]+1)
	unknown := attempts.New()

	for _, tc := range []struct {
		reason  string
		request request
		want    *outcome
	}{
		// The method.
		{"GET", genuine.by("GET"), wrongMethod},
		{"HEAD", genuine.by("HEAD"), wrongMethod},
		{"PUT", genuine.by("PUT"), wrongMethod},
		{"PATCH", genuine.by("PATCH"), wrongMethod},
		{"DELETE", genuine.by("DELETE"), wrongMethod},
		{"OPTIONS", genuine.by("OPTIONS"), wrongMethod},
		{"TRACE", genuine.by("TRACE"), wrongMethod},
		{"a method in lower case", genuine.by("post"), wrongMethod},
		{"a method of nobody", genuine.by("KIE"), wrongMethod},
		{"GET with a token that does not exist", genuine.by("GET").at(attempts.PathPrefix + unknown), wrongMethod},
		{"a method that is none", genuine.by("PO(ST"), refusedByNetHTTP(http.StatusBadRequest)},

		// The path.
		{"the root", genuine.at("/"), unknownPath},
		{"no token", genuine.at(attempts.PathPrefix), unknownPath},
		{"no slash before the token", genuine.at("/v1/callbacks"), unknownPath},
		{"another version", genuine.at("/v2/callbacks/" + attempt), unknownPath},
		{"upper case", genuine.at("/V1/callbacks/" + attempt), unknownPath},
		{"a token of nobody", genuine.at(attempts.PathPrefix + unknown), unknownToken},
		{"the token of a resource that is deleted", call(deleted), unknownToken},
		{"a token with its letters in upper case", genuine.at(attempts.PathPrefix + strings.Repeat("A", 22)), unknownToken},
		{"a token that is too short", genuine.at(path[:len(path)-1]), unknownPath},
		{"a token that is too long", genuine.at(path + "A"), unknownPath},
		{"a token with padding", genuine.at(path + "=="), unknownPath},
		{"a token with stray bits at its end", genuine.at(attempts.PathPrefix + strayBits), unknownPath},
		{"a token in the other alphabet", genuine.at(attempts.PathPrefix + "+/" + attempt[2:]), unknownPath},
		{"a token with an escape", genuine.at(attempts.PathPrefix + escaped), unknownPath},
		{"an escaped slash", genuine.at("/v1/callbacks%2F" + attempt), unknownPath},
		{"an escaped NUL", genuine.at(path[:len(path)-1] + "%00"), unknownPath},
		{"two slashes at the start", genuine.at("/" + path), unknownPath},
		{"two slashes inside", genuine.at("/v1//callbacks/" + attempt), unknownPath},
		{"two slashes before the token", genuine.at(attempts.PathPrefix + "/" + attempt), unknownPath},
		{"a slash behind the token", genuine.at(path + "/"), unknownPath},
		{"something behind the token", genuine.at(path + "/status"), unknownPath},
		{"a way up and down again", genuine.at("/v1/callbacks/../callbacks/" + attempt), unknownPath},
		{"a way through a token", genuine.at(attempts.PathPrefix + unknown + "/../" + attempt), unknownPath},
		{"a way up in escapes", genuine.at("/v1/callbacks/%2e%2e/callbacks/" + attempt), unknownPath},
		{"a way to a file", genuine.at("/../../../../etc/passwd"), unknownPath},
		{"a parameter behind the token", genuine.at(path + ";a=b"), unknownPath},
		{"a backslash", genuine.at(`/v1\callbacks\` + attempt), unknownPath},
		{"the profiler", genuine.at("/debug/pprof/heap").by("GET"), unknownPath},
		{"the whole server", genuine.at("*").by("OPTIONS"), unknownPath},
		{"a tunnel", genuine.at("tempfile.example:443").by("CONNECT"), unknownPath},
		{"a path that is none", genuine.at("%"), refusedByNetHTTP(http.StatusBadRequest)},
		{"a NUL in the path", genuine.at(path + "\x00"), refusedByNetHTTP(http.StatusBadRequest)},

		// The signature.
		{"no signature", genuine.withHeaders(), badSignature},
		{"no signature, and a key in the request", genuine.withHeaders("Authorization: Bearer " + hmacKey), badSignature},
		{"a signature without a time", genuine.withHeaders(signed(hmacKey, task, now)[1]), badSignature},
		{"a time without a signature", genuine.withHeaders(signed(hmacKey, task, now)[0]), badSignature},
		{"the time twice", genuine.and(signed(hmacKey, task, now)[0]), badSignature},
		{"the signature twice", genuine.and(signed(hmacKey, task, now)[1]), badSignature},
		{"another signature behind the right one", genuine.and(kie.HeaderSignature + ": AAAA"), badSignature},
		{"two signatures in one header", withSignature(signature + ", " + signature), badSignature},
		{"an empty signature", withSignature(""), badSignature},
		{"a signature in hex", withSignature(hex.EncodeToString(rawSignature)), badSignature},
		{"a signature in the alphabet of URLs", withSignature(base64.URLEncoding.EncodeToString([]byte("\xff\xef" + string(rawSignature[2:])))), badSignature},
		{"a signature without padding", withSignature(strings.TrimRight(signature, "=")), badSignature},
		{"a signature with its name before it", withSignature("sha256=" + signature), badSignature},
		{"half a signature", withSignature(signature[:22]), badSignature},
		{"a signature by another key", genuine.withHeaders(signed("another-key", task, now)...), badSignature},
		{"a signature by the API key", genuine.withHeaders(signed("canary-api-key", task, now)...), badSignature},
		{"a signature by an empty key", genuine.withHeaders(signed("", task, now)...), badSignature},
		{"a signature of the time before the task", signedMessage(fmt.Sprint(now.Unix()) + "." + task), badSignature},
		{"a signature of another spelling of the task", signedMessage(strings.ToUpper(task) + "." + fmt.Sprint(now.Unix())), badSignature},
		{"a signature of the body", withSignature(kie.Sign(hmacKey, genuine.body, fmt.Sprint(now.Unix()))), badSignature},
		{"a signature of another task", genuine.withHeaders(signed(hmacKey, other.Status.Task.ID, now)...), badSignature},
		{"a signature for the attempt", genuine.withHeaders(signed(hmacKey, attempt, now)...), badSignature},
		{"a time of a minute too long ago", withTimestamp(fmt.Sprint(now.Add(-6 * time.Minute).Unix())), badSignature},
		{"a time of a second too long ago", withTimestamp(fmt.Sprint(now.Add(-301 * time.Second).Unix())), badSignature},
		{"a time of a second too far ahead", withTimestamp(fmt.Sprint(now.Add(301 * time.Second).Unix())), badSignature},
		{"a time in milliseconds", withTimestamp(fmt.Sprint(now.UnixMilli())), badSignature},
		{"a time with a plus", withTimestamp(fmt.Sprintf("+%d", now.Unix())), badSignature},
		{"a time with a fraction", withTimestamp(fmt.Sprintf("%d.0", now.Unix())), badSignature},
		{"a time in hex", withTimestamp(fmt.Sprintf("%#x", now.Unix())), badSignature},
		{"a time with an exponent", withTimestamp("1.76967076e9"), badSignature},
		{"a time before all times", withTimestamp("-1769670760"), badSignature},
		{"a time beyond all times", withTimestamp("9223372036854775807"), badSignature},
		{"a time that no integer can hold", withTimestamp(strings.Repeat("9", 40)), badSignature},
		{"a time in words", withTimestamp(now.UTC().Format(http.TimeFormat)), badSignature},
		{"a time in other digits", withTimestamp("١٧٦٩٦٧٠٧٦٠"), badSignature},
		{"no time", withTimestamp(""), badSignature},

		// The task.
		{"another task, with a right signature", genuine.withBody(bodyFor(other.Status.Task.ID)).withHeaders(signed(hmacKey, other.Status.Task.ID, now)...), differentTask},
		{"the callback of another resource", call(other).at(path), differentTask},
		{"a task in one place and another one elsewhere", genuine.withBody(`{"taskId":"` + task + `","data":{"taskId":"x"}}`), malformed},
		{"two tasks under one key", genuine.withBody(`{"data":{"taskId":"x","taskId":"` + task + `"}}`), malformed},
		{"two tasks in two data", genuine.withBody(`{"data":{"taskId":"` + task + `"},"data":{"taskId":"x"}}`), malformed},

		// The body.
		{"no body", genuine.withBody(""), malformed},
		{"null", genuine.withBody("null"), malformed},
		{"a list", genuine.withBody("[" + genuine.body + "]"), malformed},
		{"half a body", genuine.withBody(genuine.body[:40]), malformed},
		{"something behind the body", genuine.withBody(genuine.body + "x"), malformed},
		{"a NUL behind the body", genuine.withBody(genuine.body + "\x00"), malformed},
		{"NULs only", genuine.withBody(strings.Repeat("\x00", 1000)), malformed},
		{"a NUL in the task", genuine.withBody(bodyFor(task + "\x00")), malformed},
		{"no task", genuine.withBody(`{"code":200}`), nameless},
		{"a task that is a number", genuine.withBody(`{"taskId":5}`), malformed},
		{"a task that is too long", genuine.withBody(bodyFor(strings.Repeat("a", 129))), malformed},
		{"a task with a line break for the log", genuine.withBody(bodyFor(task + "\nfake line")), malformed},
		{"more depth than a parser survives", genuine.withBody(`{"data":` + strings.Repeat(`[`, 60000)), malformed},
		{"a form", genuine.withBody("taskId=" + task), malformed},
		{"a body that is a byte too large", genuine.withBody(genuine.body + strings.Repeat(" ", maxBodyBytes+1-len(genuine.body))), tooLarge},
		{"a body that is far too large", genuine.withBody(genuine.body + strings.Repeat(" ", 1<<20)), tooLarge},
		{"a large body in chunks", genuine.withBody(genuine.body + strings.Repeat(" ", maxBodyBytes)).chunked(), tooLarge},
		{"the announcement of a large body", request{genuine.method, path, genuine.proto, genuine.headers, "{", []string{"Content-Length: 1099511627776"}}, tooLarge},
		{"a large body for a token of nobody", genuine.withBody(strings.Repeat(" ", 1<<20)).at(attempts.PathPrefix + unknown), unknownToken},
		{"no body for a token of nobody that waits for leave", request{genuine.method, attempts.PathPrefix + unknown, genuine.proto, []string{"Expect: 100-continue"}, "", []string{"Content-Length: 100"}}, unknownToken},
		{"gzip", genuine.and("Content-Encoding: gzip"), encoded},
		{"gzip behind identity", genuine.and("Content-Encoding: identity", "Content-Encoding: gzip"), encoded},
		{"two codings in one header", genuine.and("Content-Encoding: identity, br"), encoded},
		{"a chunk that is none", request{genuine.method, path, genuine.proto, genuine.headers, "zz\r\n{}\r\n0\r\n\r\n", []string{"Transfer-Encoding: chunked"}}, brokenOff},
		{"two lengths", request{genuine.method, path, genuine.proto, genuine.headers, genuine.body, []string{"Content-Length: 1", "Content-Length: 2"}}, refusedByNetHTTP(http.StatusBadRequest)},
		{"a length that is none", request{genuine.method, path, genuine.proto, genuine.headers, genuine.body, []string{"Content-Length: -1"}}, refusedByNetHTTP(http.StatusBadRequest)},
		{"a transfer coding of nobody", request{genuine.method, path, genuine.proto, genuine.headers, genuine.body, []string{"Transfer-Encoding: gzip, chunked"}}, refusedByNetHTTP(http.StatusNotImplemented)},

		// The protocol.
		{"large headers", genuine.and("X-Padding: " + strings.Repeat("a", maxHeaderBytes+8<<10)), refusedByNetHTTP(http.StatusRequestHeaderFieldsTooLarge)},
		{"many headers", genuine.and(strings.Split(strings.TrimSuffix(strings.Repeat("X-Many: a\n", 4000), "\n"), "\n")...), refusedByNetHTTP(http.StatusRequestHeaderFieldsTooLarge)},
		{"a long path", genuine.at(path + strings.Repeat("A", maxHeaderBytes+8<<10)), refusedByNetHTTP(http.StatusRequestHeaderFieldsTooLarge)},
		{"a header that is none", genuine.and("no colon"), refusedByNetHTTP(http.StatusBadRequest)},
		{"a second host", genuine.and("Host: other.example"), refusedByNetHTTP(http.StatusBadRequest)},
		{"HTTP/1.0 with a bad signature", request{genuine.method, path, "HTTP/1.0", nil, genuine.body, genuine.framing}, badSignature},
		{"HTTP/2 by prior knowledge", request{"PRI", "*", "HTTP/2.0", nil, "SM\r\n\r\n", nil}, unknownPath},
		{"a switch to HTTP/2 with a bad signature", genuine.withHeaders("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), badSignature},
		{"a version of nobody", request{genuine.method, path, "HTTP/9.9", genuine.headers, genuine.body, genuine.framing}, refusedByNetHTTP(http.StatusHTTPVersionNotSupported)},
		{"an expectation of nobody", genuine.withHeaders("Expect: a-miracle"), refusedByNetHTTP(http.StatusExpectationFailed)},
		{"TLS", request{method: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}, refusedByNetHTTP(http.StatusBadRequest)},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			before := r.count(accepted) + r.count(duplicate) + r.count(settled)
			if tc.want.name == "" {
				if _, response := r.send(t, tc.request.String()); response.StatusCode != tc.want.code {
					t.Errorf("the answer is %s, want %d", response.Status, tc.want.code)
				}
			} else {
				r.expect(t, tc.request.String(), tc.want)
			}
			if got := r.count(accepted) + r.count(duplicate) + r.count(settled); got != before {
				t.Error("it was taken for a callback")
			}
			if got := r.tried.Load(); got != 0 {
				t.Errorf("%d writes were begun", got)
			}
			for _, each := range []*v1alpha1.VideoGeneration{vg, other} {
				if got := w.get(t, each).ResourceVersion; got != each.ResourceVersion {
					t.Errorf("%s has changed", each.Name)
				}
			}
		})
	}
	w.log.keepsSecret(t, "canary", attempt, other.Status.Task.Attempt, deleted.Status.Task.Attempt, unknown, signature, attempts.PathPrefix, "passwd", "fake line")

	r.expect(t, genuine.String(), accepted) // or the requests above differ in more than one thing
}

// What the sender of a refused request can tell from the answer is its status.
func TestRefusalsLookAlike(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	genuine := call(vg)

	withoutDate := func(text request) string {
		raw, response := r.send(t, text.String())
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("the answer is %s, want 404", response.Status)
		}
		return strings.Replace(string(raw), response.Header.Get("Date"), "(date)", 1)
	}
	want := "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\nDate: (date)\r\n\r\n"
	for reason, text := range map[string]request{
		"an unknown path":                  genuine.at("/"),
		"an unknown token":                 genuine.at(attempts.PathPrefix + attempts.New()),
		"an unknown token and a long body": genuine.at(attempts.PathPrefix + attempts.New()).withBody(strings.Repeat(" ", 100_000)),
		"a bad signature":                  genuine.withHeaders(),
		"a bad signature, in chunks":       genuine.withHeaders().chunked(),
		"another task":                     genuine.withBody(bodyFor("x")).withHeaders(signed(hmacKey, "x", now)...),
	} {
		if got := withoutDate(text); got != want {
			t.Errorf("%s is answered with\n%q, want\n%q", reason, got, want)
		}
	}

	raw, response := r.send(t, genuine.by("GET").String())
	if response.Header.Get("Allow") != http.MethodPost || !strings.HasSuffix(string(raw), "\r\n\r\n") {
		t.Errorf("GET is answered with\n%q, want POST in Allow and no body", raw)
	}
}
