// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// Codes that mean that a version is under way, where no word says otherwise. A
// 422 means it too, if it has data: a refusal has none.
var (
	running1080p = []int{http.StatusBadRequest, http.StatusInternalServerError}
	running4K    []int
)

// judgeUpgrade decides what an answer says of a larger version. It decides on
// the data and on the words before the code, because the code is the same 422
// for what is done, what is under way and what cannot be.
func judgeUpgrade(a kie.Answer, runningCodes []int, secrets ...string) (kie.Upgrade, error) {
	refusal := a.Refusal(secrets...)
	if errors.Is(refusal.Err, kie.ErrNotTheAPI) || refusal.Class.OfAccount() {
		return kie.Upgrade{}, refusal
	}
	code := a.Code()
	fields, err := decode.Object(a.Data)
	if err != nil && code == http.StatusOK {
		return kie.Upgrade{}, &kie.Error{Class: kie.Unavailable, Err: errors.New("the data of the answer is not an object")}
	}
	upgrade := decodeUpgrade(fields)
	if upgrade.TaskID, err = a.TaskID(); err != nil {
		upgrade.TaskID = "" // it only informs
	}
	switch {
	case len(upgrade.ResultURLs) > 0:
		upgrade.State = kie.UpgradeReady
	case code == http.StatusOK, saysRunning(a.Message):
		upgrade.State = kie.UpgradeRunning
	case saysImpossible(a.Message):
		return impossible(refusal)
	case slices.Contains(runningCodes, code), code == http.StatusUnprocessableEntity && fields != nil:
		upgrade.State = kie.UpgradeRunning
	case refusal.Class.OfRequest(), code == http.StatusNotFound:
		return impossible(refusal)
	default:
		return kie.Upgrade{}, refusal
	}
	if upgrade.State != kie.UpgradeReady {
		upgrade.ImageURLs = nil
	}
	return upgrade, nil
}

// impossible is the end of an upgrade, if the API itself says so.
func impossible(refusal *kie.Error) (kie.Upgrade, error) {
	if !refusal.Own {
		return kie.Upgrade{}, refusal
	}
	return kie.Upgrade{State: kie.UpgradeImpossible, Message: refusal.Message}, nil
}

// saysRunning recognizes the words for work under way.
func saysRunning(message string) bool {
	return containsAny(message, "is processing", "being processed", "still processing", "being generated",
		"is generating", "in progress", "check back", "generated successfully")
}

// saysImpossible recognizes the words for what will not change: of the record
// (reference, section 4.3), of the video, and of the request.
func saysImpossible(message string) bool {
	return saidOfRecord(message) != recordNothing ||
		containsAny(message, "not exist", "this video is unavailable", "is required", "not within the range", "not support")
}

// decodeUpgrade reads the URLs in each place and spelling that has been seen or
// documented. The first place that has any counts.
func decodeUpgrade(fields map[string]json.RawMessage) kie.Upgrade {
	var upgrade kie.Upgrade
	for _, name := range []string{"info", "response", ""} {
		place := fields
		if name != "" {
			place, _ = decode.Object(fields[name]) // what is no object holds no URLs
		}
		if len(upgrade.ResultURLs) == 0 {
			upgrade.ResultURLs = firstURLs(place, "resultUrls", "result_urls", "resultUrl", "result_url")
		}
		if len(upgrade.ImageURLs) == 0 {
			upgrade.ImageURLs = firstURLs(place, "imageUrls", "image_urls")
		}
	}
	return upgrade
}

func firstURLs(fields map[string]json.RawMessage, names ...string) []string {
	for _, name := range names {
		if urls := decode.URLs(fields[name]); len(urls) > 0 {
			return urls
		}
	}
	return nil
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
