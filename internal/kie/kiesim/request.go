// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxRequestBytes is the largest request body that is read.
const maxRequestBytes = 1 << 20

// Values of the fields of a generation, as KIE spells them.
const (
	defaultModel = "veo3_fast"

	textToVideo      = "TEXT_2_VIDEO"
	framesToVideo    = "FIRST_AND_LAST_FRAMES_2_VIDEO"
	referenceToVideo = "REFERENCE_2_VIDEO"

	landscape  = "16:9"
	portrait   = "9:16"
	aspectAuto = "Auto"

	resolution720p  = "720p"
	resolution1080p = "1080p"
	resolution4K    = "4k"

	maxDuration = 8
)

// generateRequest is the body of POST /api/v1/veo/generate, and what an extension
// is made from. Pointers are nil for fields that were not sent.
type generateRequest struct {
	Prompt            string
	ImageURLs         []string
	Model             string
	GenerationType    string
	AspectRatio       string
	Resolution        string
	Duration          *int
	Seeds             *int
	CallBackURL       string
	EnableTranslation *bool
	EnableFallback    *bool
	Watermark         string
	// Extends is the id of the task that an extension continues.
	Extends string
}

// field is a field of a request and where its value goes.
type field struct {
	name   string
	target any
}

// decodeFields reads a request to its end. Like KIE it ignores fields that it does
// not know and insists on the case of those it does: "callbackUrl" is not
// "callBackUrl".
func decodeFields(body io.Reader, fields []field) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return errors.New("the request body cannot be read or is too large")
	}
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(raw, &sent); err != nil {
		return errors.New("the request body is not a JSON object")
	}
	for _, field := range fields {
		value, ok := sent[field.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, field.target); err != nil {
			return fmt.Errorf("%s has the wrong type", field.name)
		}
	}
	return nil
}

// decodeGenerate reads a request to its end. The older spelling aspectRatio still
// works.
func decodeGenerate(body io.Reader) (generateRequest, error) {
	request := generateRequest{Model: defaultModel, AspectRatio: landscape}
	err := decodeFields(body, []field{
		{"prompt", &request.Prompt},
		{"imageUrls", &request.ImageURLs},
		{"model", &request.Model},
		{"generationType", &request.GenerationType},
		{"aspectRatio", &request.AspectRatio},
		{"aspect_ratio", &request.AspectRatio},
		{"resolution", &request.Resolution},
		{"duration", &request.Duration},
		{"seeds", &request.Seeds},
		{"callBackUrl", &request.CallBackURL},
		{"enableTranslation", &request.EnableTranslation},
		{"enableFallback", &request.EnableFallback},
		{"watermark", &request.Watermark},
	})
	return request, err
}

// seconds returns how long the video is to be.
func (r generateRequest) seconds() int {
	if r.Duration != nil {
		return *r.Duration
	}
	return maxDuration
}

// wantsFallback reports whether KIE's fallback model may be used.
func (r generateRequest) wantsFallback() bool {
	return r.EnableFallback != nil && *r.EnableFallback && r.AspectRatio == landscape
}

// echo returns the request as the JSON text that KIE repeats in paramJson and
// promptJson: in its own camelCase names, sorted, without what was not sent.
func (r generateRequest) echo() string {
	return string(encode(struct {
		AspectRatio       string   `json:"aspectRatio"`
		CallBackURL       string   `json:"callBackUrl,omitempty"`
		Duration          *int     `json:"duration,omitempty"`
		EnableFallback    *bool    `json:"enableFallback,omitempty"`
		EnableTranslation *bool    `json:"enableTranslation,omitempty"`
		GenerationType    string   `json:"generationType,omitempty"`
		ImageURLs         []string `json:"imageUrls,omitempty"`
		Model             string   `json:"model"`
		Prompt            string   `json:"prompt"`
		Resolution        string   `json:"resolution,omitempty"`
		Seeds             *int     `json:"seeds,omitempty"`
		TaskID            string   `json:"taskId,omitempty"`
		WaterMark         string   `json:"waterMark,omitempty"`
	}{
		AspectRatio:       r.AspectRatio,
		CallBackURL:       r.CallBackURL,
		Duration:          r.Duration,
		EnableFallback:    r.EnableFallback,
		EnableTranslation: r.EnableTranslation,
		GenerationType:    r.GenerationType,
		ImageURLs:         r.ImageURLs,
		Model:             r.Model,
		Prompt:            r.Prompt,
		Resolution:        r.Resolution,
		Seeds:             r.Seeds,
		TaskID:            r.Extends,
		WaterMark:         r.Watermark,
	}))
}
