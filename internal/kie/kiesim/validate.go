// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// validate returns the first rule of KIE's documentation that the request breaks.
func (r generateRequest) validate() error {
	switch {
	case strings.TrimSpace(r.Prompt) == "":
		return errors.New("prompt is required")
	case !slices.Contains([]string{"veo3", "veo3_fast", "veo3_lite"}, r.Model):
		return fmt.Errorf("model %q is not supported: use veo3, veo3_fast or veo3_lite", r.Model)
	case !slices.Contains([]string{landscape, portrait, aspectAuto}, r.AspectRatio):
		return fmt.Errorf("aspect_ratio %q is not supported: use 16:9, 9:16 or Auto", r.AspectRatio)
	case !slices.Contains([]string{"", resolution720p, resolution1080p, resolution4K}, r.Resolution):
		return fmt.Errorf("resolution %q is not supported: use 720p, 1080p or 4k", r.Resolution)
	case r.Duration != nil && !slices.Contains([]int{4, 6, 8}, *r.Duration):
		return fmt.Errorf("duration %d is not supported: use 4, 6 or 8", *r.Duration)
	}
	if err := validateSeeds(r.Seeds); err != nil {
		return err
	}
	if err := validateCallBackURL(r.CallBackURL); err != nil {
		return err
	}
	for _, image := range r.ImageURLs {
		if !isWebURL(image) {
			return errors.New("imageUrls has an entry that is not an http or https URL")
		}
	}
	return r.validateMode()
}

// validateMode checks the rules of the generation type. KIE infers it from the
// images when it is absent; three of them can only be references.
func (r generateRequest) validateMode() error {
	mode, images := r.GenerationType, len(r.ImageURLs)
	if mode == "" {
		switch images {
		case 0:
			mode = textToVideo
		case 1, 2:
			mode = framesToVideo
		default:
			mode = referenceToVideo
		}
	}
	switch mode {
	case textToVideo:
		return r.validateText(images)
	case framesToVideo:
		if images < 1 || images > 2 {
			return fmt.Errorf("%s takes 1 or 2 imageUrls, not %d", mode, images)
		}
		return nil
	case referenceToVideo:
		return r.validateReference(images)
	default:
		return fmt.Errorf("generationType %q is not supported", mode)
	}
}

func (r generateRequest) validateText(images int) error {
	switch {
	case images > 0:
		return fmt.Errorf("%s takes no imageUrls", textToVideo)
	case r.AspectRatio == aspectAuto:
		return fmt.Errorf("%s has no image to take aspect_ratio Auto from", textToVideo)
	}
	return nil
}

func (r generateRequest) validateReference(images int) error {
	switch {
	case images < 1 || images > 3:
		return fmt.Errorf("%s takes 1 to 3 imageUrls, not %d", referenceToVideo, images)
	case r.Model == "veo3":
		return fmt.Errorf("%s does not support the model veo3", referenceToVideo)
	case r.AspectRatio == aspectAuto:
		return fmt.Errorf("%s does not support aspect_ratio Auto", referenceToVideo)
	case r.Duration != nil && *r.Duration != maxDuration:
		return fmt.Errorf("%s supports a duration of 8 only", referenceToVideo)
	}
	return nil
}

func validateSeeds(seeds *int) error {
	if seeds != nil && (*seeds < 10000 || *seeds > 99999) {
		return fmt.Errorf("seeds %d is not between 10000 and 99999", *seeds)
	}
	return nil
}

func validateCallBackURL(text string) error {
	if text != "" && !isWebURL(text) {
		return errors.New("callBackUrl is not an http or https URL")
	}
	return nil
}
