// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import "github.com/kie-operator/kie-operator/internal/kie"

// GenerateRequest asks for a video.
type GenerateRequest struct {
	Prompt         string   `json:"prompt"`
	ImageURLs      []string `json:"imageUrls,omitempty"`
	Model          string   `json:"model,omitempty"`
	GenerationType string   `json:"generationType,omitempty"`
	AspectRatio    string   `json:"aspect_ratio,omitempty"`
	// Resolution is always sent: the documentation has had different defaults, and a larger one costs more.
	Resolution string `json:"resolution,omitempty"`
	// Duration is in seconds.
	Duration *int32 `json:"duration,omitempty"`
	Seed     *int32 `json:"seeds,omitempty"`
	// Watermark is burnt into the video.
	Watermark string `json:"watermark,omitempty"`
	// CallbackURL is the only handle of the caller's choosing that comes back with the result.
	CallbackURL string `json:"callBackUrl,omitempty"`
	// EnableTranslation is always sent: the documentation has had it both ways.
	EnableTranslation bool `json:"enableTranslation"`
	// EnableFallback is always sent: false keeps another model from being used in silence.
	EnableFallback bool `json:"enableFallback"`
}

// Purchase is the request that buys a video: POST /api/v1/veo/generate.
func (r GenerateRequest) Purchase() kie.Purchase {
	return kie.Purchase{Path: "/api/v1/veo/generate", Body: r, CallbackURL: r.CallbackURL}
}
