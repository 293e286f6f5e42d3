// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClassOf(t *testing.T) {
	for _, tc := range []struct {
		reason string
		code   int
		want   Class
	}{
		{"no code", 0, Unavailable},
		{"no number that a code can have", -1, Unavailable},
		{"success is no class; whoever asks has found no result", 200, Unavailable},
		{"the API does not redirect", 301, Unavailable},
		{"the API does not redirect", 302, Unavailable},
		{"the API does not redirect", 307, Unavailable},
		{"policy", 400, ContentRejected},
		{"key", 401, Unauthorized},
		{"credits", 402, InsufficientCredits},
		{"address list", 403, Forbidden},
		{"nothing there", 404, NotFound},
		{"nothing there that can be posted to", 405, NotFound},
		{"the API has no proxies", 407, Unavailable},
		{"nothing heard", 408, Unavailable},
		{"too large", 413, Invalid},
		{"validation", 422, Invalid},
		{"too fast", 429, RateLimited},
		{"cap of the key", 433, KeyLimitReached},
		{"image", 451, Invalid},
		{"maintenance", 455, Maintenance},
		{"broken", 500, Unavailable},
		{"video", 501, GenerationFailed},
		{"lost", 502, Unavailable},
		{"lost", 503, Unavailable},
		{"lost", 504, Unavailable},
		{"switched off", 505, FeatureDisabled},
		{"unheard of", 999, Unavailable},
	} {
		if got := classOf(tc.code); got != tc.want {
			t.Errorf("%d, %s: got %s, want %s", tc.code, tc.reason, got, tc.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, tc := range []struct {
		reason string
		err    *Error
		want   string
	}{
		{"a class is always there", &Error{Class: Unavailable}, "Unavailable"},
		{"the API's word", &Error{Class: Invalid, Code: 422, Message: "bad prompt"}, "Invalid (code 422): bad prompt"},
		{"no answer", &Error{Class: Unavailable, Err: io.EOF}, "Unavailable: EOF"},
		{"everything", &Error{Class: NotFound, Code: 404, Message: "m", Err: io.EOF}, "EndpointNotFound (code 404): m: EOF"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
	if !errors.Is(&Error{Class: Unavailable, Err: io.EOF}, io.EOF) {
		t.Error("the cause cannot be found")
	}
}

func TestRedact(t *testing.T) {
	for _, tc := range []struct {
		reason, message string
		secrets         []string
		want            string
	}{
		{"nothing to do", "a word", nil, "a word"},
		{"an empty secret is in every text", "a word", []string{""}, "a word"},
		{"each secret, each time", "k1 k2 k1", []string{"k1", "k2"}, "[redacted] [redacted] [redacted]"},
		{"one line", " a\tb\r\nc\u2028d\u2029e\u0085f\vg ", nil, "a b c d e f g"},
		{"no control characters", "a\x00b\x07c\x7fd\u009be", nil, "a b c d e"},
		{"no characters that turn the text around or hide in it", "a\u202eb\u2066c\u200bd\ufefff", nil, "a b c d f"},
		{"no half characters", "a\xffb\ufffdc", nil, "a b c"},
		{"other scripts stay", "Übergröße 灯台 🌫", nil, "Übergröße 灯台 🌫"},
		{"as long as it may be", strings.Repeat("x", 512), nil, strings.Repeat("x", 512)},
		{"longer", strings.Repeat("x", 513), nil, strings.Repeat("x", 512) + "…"},
		{"as long as it may be in another script", strings.Repeat("é", 256), nil, strings.Repeat("é", 256)},
		{"what keeps it bounds bytes, and no character is cut in two", strings.Repeat("灯", 600), nil, strings.Repeat("灯", 170) + "…"},
		{"the last character fits in part", strings.Repeat("x", 510) + "🌫🌫", nil, strings.Repeat("x", 510) + "…"},
	} {
		if got := Redact(tc.message, tc.secrets...); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, message := range []string{"", "a", testKey, testKey[:5] + "\x00" + testKey[5:], strings.Repeat(testKey, 100), "\u202e\xff\n"} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		got := Redact(message, testKey)
		if strings.Contains(got, testKey) {
			t.Errorf("the key is in %q", got)
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("%q cannot be shown", got)
		}
		if len(got) > maxMessageBytes+len("…") {
			t.Errorf("%q is too long", got)
		}
		if again := Redact(got, testKey); !strings.HasSuffix(got, "…") && again != got {
			t.Errorf("%q becomes %q when redacted again", got, again)
		}
	})
}
