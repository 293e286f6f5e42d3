// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

func TestWhomAnAccountConcerns(t *testing.T) {
	account := types.NamespacedName{Namespace: "films", Name: "default"}
	at := func(name string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) { vg.Status.Account = fixture.Identity("films", name) }
	}
	for name, tt := range map[string]struct {
		vg   *v1alpha1.VideoGeneration
		want bool
	}{
		"not bought, of no account yet":        {fixture.Video("a"), true},
		"not bought, of another account":       {fixture.Video("a", at("other")), true},
		"running":                              {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), at("default")), true},
		"running on another account":           {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskRunning, fixture.TaskID)), at("other")), false},
		"finished":                             {fixture.Video("a", fixture.With(fixture.Task(v1alpha1.TaskSucceeded, fixture.TaskID)), at("default")), false},
		"to be bought again, account was gone": {fixture.Video("a", fixture.With(fixture.Failed(v1alpha1.ReasonGenerationFailed, fixture.TaskID)), fixture.Annotated(v1alpha1.AnnotationResubmit, fixture.Attempt)), true},
	} {
		if got := concerns(tt.vg, account); got != tt.want {
			t.Errorf("%s: it concerns the resource: %v, want %v", name, got, tt.want)
		}
	}
}
