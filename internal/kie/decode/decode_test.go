// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	object := map[string]json.RawMessage{"a": json.RawMessage("1")}
	for _, tc := range []struct {
		reason, text string
		want         map[string]json.RawMessage
		fails        bool
	}{
		{reason: "absent", text: ""},
		{reason: "null", text: " null "},
		{reason: "an empty text", text: `""`},
		{reason: "a text of nothing but space", text: `" \n"`},
		{reason: "an object", text: `{"a":1}`, want: object},
		{reason: "a text that holds an object", text: `" {\"a\":1} "`, want: object},
		{reason: "an empty object is one", text: `{}`, want: map[string]json.RawMessage{}},
		{reason: "a text that holds null", text: `"null"`},
		{reason: "a text that holds a text", text: `"\"{}\""`, fails: true},
		{reason: "a list", text: `[]`, fails: true},
		{reason: "a number", text: `1`, fails: true},
		{reason: "a word", text: `"a"`, fails: true},
		{reason: "half an object", text: `{"a":1`, fails: true},
		{reason: "too deep to be meant", text: strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), fails: true},
	} {
		got, err := Object(json.RawMessage(tc.text))
		if (err != nil) != tc.fails {
			t.Errorf("%s: got error %v", tc.reason, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestInt(t *testing.T) {
	for _, tc := range []struct {
		reason, text string
		want         int
		ok           bool
	}{
		{"a number", `200`, 200, true},
		{"a text", `" 200 "`, 200, true},
		{"a whole number with a point", `200.0`, 200, true},
		{"a whole number with an exponent", `2e2`, 200, true},
		{"below zero", `-1`, -1, true},
		{"minus zero", `-0`, 0, true},
		{"as large as it may be", `2147483647`, 2147483647, true},
		{"larger", `2147483648`, 0, false},
		{"as small as it may be", `-2147483647`, -2147483647, true},
		{"much larger", `1e309`, 0, false},
		{"a fraction", `0.5`, 0, false},
		{"no number", `"NaN"`, 0, false},
		{"no end", `"Inf"`, 0, false},
		{"absent", ``, 0, false},
		{"null", `null`, 0, false},
		{"a truth", `true`, 0, false},
		{"an empty text", `""`, 0, false},
		{"a word", `"ok"`, 0, false},
		{"a list", `[1]`, 0, false},
	} {
		if got, ok := Int(json.RawMessage(tc.text)); got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %d, %t, want %d, %t", tc.reason, got, ok, tc.want, tc.ok)
		}
	}
}

func TestMillis(t *testing.T) {
	at := time.UnixMilli(1770382017000).UTC()
	for _, tc := range []struct {
		reason, text string
		want         time.Time
	}{
		{"as in life", `1770382017000`, at},
		{"as text", `"1770382017000"`, at},
		{"with an exponent", `1.770382017e12`, at},
		{"a text without a zone", `"2026-02-06 12:46:57"`, time.Time{}},
		{"seconds", `1770382017`, time.Time{}},
		{"microseconds", `1770382017000000`, time.Time{}},
		{"no time", `0`, time.Time{}},
		{"below", `-1770382017000`, time.Time{}},
		{"the first", `1000000000000`, time.UnixMilli(1e12).UTC()},
		{"out of range", `1e300`, time.Time{}},
		{"null", `null`, time.Time{}},
		{"absent", ``, time.Time{}},
		{"an object", `{}`, time.Time{}},
	} {
		if got := Millis(json.RawMessage(tc.text)); !got.Equal(tc.want) {
			t.Errorf("%s: got %v, want %v", tc.reason, got, tc.want)
		}
	}
}

func TestBool(t *testing.T) {
	for _, tc := range []struct {
		reason, text string
		want         bool
	}{
		{"yes", ` true `, true},
		{"yes as text", `"True"`, true},
		{"yes as number", `1`, true},
		{"yes as number as text", `"1"`, true},
		{"no", `false`, false},
		{"no as number", `0`, false},
		{"null", `null`, false},
		{"absent", ``, false},
		{"another word", `"yes"`, false},
		{"an object", `{"true":true}`, false},
	} {
		if got := Bool(json.RawMessage(tc.text)); got != tc.want {
			t.Errorf("%s: got %t, want %t", tc.reason, got, tc.want)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, tc := range []struct {
		reason, text string
		want         []string
	}{
		{"absent", ``, nil},
		{"null", `null`, nil},
		{"an empty list", `[]`, nil},
		{"an empty text", `""`, nil},
		{"a list", `["https://a.example/1","https://a.example/2"]`, []string{"https://a.example/1", "https://a.example/2"}},
		{"a text that holds a list", `"[\"https://a.example/1\",\"https://a.example/2\"]"`, []string{"https://a.example/1", "https://a.example/2"}},
		{"a text that only looks like a list", `"[https://a.example/1, https://a.example/2]"`, []string{"https://a.example/1", "https://a.example/2"}},
		{"the same with other quotes", `"['https://a.example/1', 'https://a.example/2']"`, []string{"https://a.example/1", "https://a.example/2"}},
		{"without brackets", `"https://a.example/1,https://a.example/2"`, []string{"https://a.example/1", "https://a.example/2"}},
		{"a comma within an URL of a list", `["https://a.example/1,2"]`, []string{"https://a.example/1,2"}},
		{"space around", `[" https://a.example/1\n"]`, []string{"https://a.example/1"}},
		{"null among URLs", `[null,"https://a.example/1"]`, []string{"https://a.example/1"}},
		{"something else among URLs", `[1,"https://a.example/1",{"url":"https://a.example/2"}]`, []string{"https://a.example/1"}},
		{"something else among URLs in a text", `"[1,\"https://a.example/1\",null]"`, []string{"https://a.example/1"}},
		{"a port", `["https://a.example:8443/1"]`, []string{"https://a.example:8443/1"}},
		{"a port and no host", `["https://:8443/1"]`, nil},
		{"no host", `["https:///1","https:1","http://"]`, nil},
		{"another scheme", `["file:///etc/passwd","ftp://a.example/1","s3://bucket/1","javascript:alert(1)"]`, nil},
		{"no scheme", `["//a.example/1","a.example/1"]`, nil},
		{"a line break within", `["https://a.example/1\nhttps://a.example/2"]`, nil},
		{"an object", `{"0":"https://a.example/1"}`, nil},
		{"a number", `7`, nil},
	} {
		got := URLs(json.RawMessage(tc.text))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		checkURLs(t, got)
	}
}

func FuzzURLs(f *testing.F) {
	for _, text := range []string{
		"", "null", "[]", `["https://a.example/1"]`, `"[\"https://a.example/1\"]"`, `"[https://a.example/1, 'http://b/']"`,
		`[1,null,"https://a.example"]`, `"` + strings.Repeat("https://a,", 40) + `"`, `["https://:1/","https://[::1]/","http://%zz"]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkURLs(t, URLs(text)) })
}

// checkURLs holds what is true of every list of URLs.
func checkURLs(t testing.TB, urls []string) {
	t.Helper()
	if len(urls) > 16 {
		t.Errorf("%d URLs", len(urls))
	}
	for _, text := range urls {
		if text == "" {
			continue // the place of one that cannot be used
		}
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || len(text) > 2048 {
			t.Errorf("%q cannot be fetched", text)
		}
	}
}
