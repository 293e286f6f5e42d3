// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// maxRefreshToken is the limit of the API on what is remembered of the annotation.
const maxRefreshToken = 256

// WantsLinks reports whether fresh links are asked for that were not given yet.
func WantsLinks(vg *v1alpha1.VideoGeneration) bool {
	token := RefreshToken(vg)
	return token != "" && token != vg.Status.RefreshedLinks && len(vg.Status.Videos) > 0
}

// RefreshToken is the value of the annotation that asks for fresh links, as far as
// it is remembered.
func RefreshToken(vg *v1alpha1.VideoGeneration) string {
	token := []rune(vg.Annotations[v1alpha1.AnnotationRefreshLinks])
	return string(token[:min(len(token), maxRefreshToken)])
}
