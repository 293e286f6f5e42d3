// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package decode reads the values in KIE.AI's answers, in each of the forms in which
// the API writes them: a value may be there as itself or as a text that holds it, and
// what cannot be read is as good as not there.
package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/credits"
)

// Bounds on what is believed of an answer.
const (
	maxURLs      = 16
	maxURLLength = 2048
)

// Object reads an object, or a text that holds an object. Absent and null are a nil
// map.
func Object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if raw[0] == '"' {
		text := strings.TrimSpace(String(raw))
		if text == "" {
			return nil, nil
		}
		raw = []byte(text)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, errors.New("not an object")
	}
	return object, nil
}

// String reads a text; everything else is "".
func String(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// finite reads a finite number, or a text that holds one.
func finite(raw json.RawMessage) (float64, bool) {
	text := string(bytes.TrimSpace(raw))
	if strings.HasPrefix(text, `"`) {
		text = strings.TrimSpace(String(raw))
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, false
	}
	return number, true
}

// Int reads a whole number, or a text that holds one.
func Int(raw json.RawMessage) (int, bool) {
	number, ok := finite(raw)
	if !ok || number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return 0, false
	}
	return int(number), true
}

// Balance reads a number of credits, which is below zero for an account that is
// overdrawn.
func Balance(raw json.RawMessage) (credits.Amount, bool) {
	number, ok := finite(raw)
	if !ok {
		return credits.Amount{}, false
	}
	return credits.FromFloat(number)
}

// Credits reads an amount of credits that was paid, nil where there is none.
func Credits(raw json.RawMessage) *credits.Amount {
	paid, ok := Balance(raw)
	if !ok || paid.IsNegative() {
		return nil
	}
	return &paid
}

// Places reads a list, or a text that holds one, in which each item has its
// meaning by its place.
func Places[T any](raw json.RawMessage, read func(json.RawMessage) (T, bool)) []T {
	if text := String(raw); text != "" {
		raw = json.RawMessage(text)
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) > maxURLs {
		return nil
	}
	var values []T
	for _, item := range items {
		value, ok := read(item)
		if !ok {
			return nil
		}
		values = append(values, value)
	}
	return values
}

// Bounds of what is taken for epoch milliseconds: from September 2001 to November
// 2286. Epoch seconds, and plain years, are outside.
const (
	minMillis = 1e12
	maxMillis = 1e13
)

// Millis reads a time in epoch milliseconds. Everything else is the zero
// time: the API also writes times as texts without a zone (reference, section
// 4.1), and nobody knows which zone is meant.
func Millis(raw json.RawMessage) time.Time {
	millis, ok := finite(raw)
	if !ok || millis < minMillis || millis >= maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(int64(millis)).UTC()
}

// Bool reads true, "true" or 1; everything else is false.
func Bool(raw json.RawMessage) bool {
	switch strings.ToLower(strings.Trim(string(bytes.TrimSpace(raw)), `"`)) {
	case "true", "1":
		return true
	default:
		return false
	}
}

// URLs reads a list of URLs as URLPlaces does. What is not an http or https URL is
// left out.
func URLs(raw json.RawMessage) []string {
	return slices.DeleteFunc(URLPlaces(raw), func(url string) bool { return url == "" })
}

// URLPlaces reads a list of URLs in each of its three forms: an array, a text
// that holds an array, and a text like "[https://a, https://b]" that is no JSON.
// What is not an http or https URL is "", so that the others keep the places by
// which the API counts them. Without any URL the list is nil.
func URLPlaces(raw json.RawMessage) []string {
	list, ok := texts(raw)
	if !ok {
		text := strings.TrimSpace(String(raw))
		if list, ok = texts(json.RawMessage(text)); !ok {
			text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
			list = strings.Split(text, ",")
		}
	}
	urls, some := make([]string, 0, min(len(list), maxURLs)), false
	for _, item := range list[:min(len(list), maxURLs)] {
		item = strings.Trim(strings.TrimSpace(item), `"'`)
		if !UsableURL(item) {
			item = ""
		}
		urls, some = append(urls, item), some || item != ""
	}
	if !some {
		return nil
	}
	return urls
}

// texts reads an array of texts. Something else among them is "", so that it does
// not take the others with it.
func texts(raw json.RawMessage) ([]string, bool) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = String(item)
	}
	return texts, true
}

// UsableURL reports whether the text is an http or https URL with a host, of a length
// that is believed.
func UsableURL(text string) bool {
	if text == "" || len(text) > maxURLLength {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}
