// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

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
	maxTaskIDLength = 128
	maxURLs         = 16
	maxURLLength    = 2048
)

// decodeObject reads an object, or a text that holds an object. Absent and null
// are a nil map.
func decodeObject(raw json.RawMessage) (map[string]json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if raw[0] == '"' {
		text := strings.TrimSpace(decodeString(raw))
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

// decodeString reads a text; everything else is "".
func decodeString(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// decodeNumber reads a finite number, or a text that holds one.
func decodeNumber(raw json.RawMessage) (float64, bool) {
	text := string(bytes.TrimSpace(raw))
	if strings.HasPrefix(text, `"`) {
		text = strings.TrimSpace(decodeString(raw))
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, false
	}
	return number, true
}

// decodeInt reads a whole number, or a text that holds one.
func decodeInt(raw json.RawMessage) (int, bool) {
	number, ok := decodeNumber(raw)
	if !ok || number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return 0, false
	}
	return int(number), true
}

// decodeBalance reads a number of credits, which is below zero for an account
// that is overdrawn.
func decodeBalance(raw json.RawMessage) (credits.Amount, bool) {
	number, ok := decodeNumber(raw)
	if !ok {
		return credits.Amount{}, false
	}
	return credits.FromFloat(number)
}

// decodeCredits reads an amount of credits that was paid, nil where there is none.
func decodeCredits(raw json.RawMessage) *credits.Amount {
	paid, ok := decodeBalance(raw)
	if !ok || paid.IsNegative() {
		return nil
	}
	return &paid
}

// decodeBools reads a list of truths, one for each result. If one of them cannot
// be read, nothing is known of any, because they have their meaning by their place.
func decodeBools(raw json.RawMessage) []bool {
	return decodePlaces(raw, func(item json.RawMessage) (bool, bool) {
		var truth *bool
		if json.Unmarshal(item, &truth) != nil || truth == nil {
			return false, false
		}
		return *truth, true
	})
}

// decodeSeeds reads a list of seeds, one for each result, like decodeBools.
func decodeSeeds(raw json.RawMessage) []int32 {
	return decodePlaces(raw, func(item json.RawMessage) (int32, bool) {
		seed, ok := decodeInt(item)
		return int32(seed), ok //nolint:gosec // decodeInt keeps to 32 bits
	})
}

// decodePlaces reads a list, or a text that holds one, in which each item has its
// meaning by its place.
func decodePlaces[T any](raw json.RawMessage, read func(json.RawMessage) (T, bool)) []T {
	if text := decodeString(raw); text != "" {
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

// Epoch milliseconds of this age of the world: from September 2001 to November
// 2286. Seconds, and years, are outside.
const (
	minMillis = 1e12
	maxMillis = 1e13
)

// decodeMillis reads a time in epoch milliseconds. Everything else is the zero
// time: the API also writes times as texts without a zone (reference, section
// 4.1), of which nobody knows what they mean.
func decodeMillis(raw json.RawMessage) time.Time {
	millis, ok := decodeNumber(raw)
	if !ok || millis < minMillis || millis >= maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(int64(millis)).UTC()
}

// decodeBool reads true, "true" or 1; everything else is false.
func decodeBool(raw json.RawMessage) bool {
	switch strings.ToLower(strings.Trim(string(bytes.TrimSpace(raw)), `"`)) {
	case "true", "1":
		return true
	default:
		return false
	}
}

// decodeURLs reads a list of URLs as decodeURLPlaces does. What is not an http or
// https URL is left out.
func decodeURLs(raw json.RawMessage) []string {
	return slices.DeleteFunc(decodeURLPlaces(raw), func(url string) bool { return url == "" })
}

// decodeURLPlaces reads a list of URLs in each of its three forms: an array, a text
// that holds an array, and a text like "[https://a, https://b]" that is no JSON.
// What is not an http or https URL is "", so that the others keep the places by
// which the API counts them. Without any URL the list is nil.
func decodeURLPlaces(raw json.RawMessage) []string {
	list, ok := decodeTexts(raw)
	if !ok {
		text := strings.TrimSpace(decodeString(raw))
		if list, ok = decodeTexts(json.RawMessage(text)); !ok {
			text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
			list = strings.Split(text, ",")
		}
	}
	urls, some := make([]string, 0, min(len(list), maxURLs)), false
	for _, item := range list[:min(len(list), maxURLs)] {
		item = strings.Trim(strings.TrimSpace(item), `"'`)
		if !usableURL(item) {
			item = ""
		}
		urls, some = append(urls, item), some || item != ""
	}
	if !some {
		return nil
	}
	return urls
}

// decodeTexts reads an array of texts. Something else among them is "", so that
// it does not take the others with it.
func decodeTexts(raw json.RawMessage) ([]string, bool) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = decodeString(item)
	}
	return texts, true
}

func usableURL(text string) bool {
	if text == "" || len(text) > maxURLLength {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// ValidTaskID accepts any short printable id. The documentation shows
// "veo_task_…", live ids are 32 hex digits, and nothing promises either.
func ValidTaskID(id string) bool {
	if id == "" || len(id) > maxTaskIDLength {
		return false
	}
	for _, r := range id {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

func bounded(text string, limit int) string {
	if len(text) > limit {
		return ""
	}
	return text
}

// containsAny ignores case.
func containsAny(message string, words ...string) bool {
	message = strings.ToLower(message)
	for _, word := range words {
		if strings.Contains(message, word) {
			return true
		}
	}
	return false
}
