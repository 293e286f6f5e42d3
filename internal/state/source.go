// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// MaxExtensions is how many extensions KIE.AI makes one after the other.
const MaxExtensions = 20

// SourceOf decides whether the video that is continued is there. The chain is
// what the resource continues, the nearest first.
func SourceOf(vg *v1alpha1.VideoGeneration, chain []*v1alpha1.VideoGeneration) (*v1alpha1.Source, Wait) {
	name := vg.Spec.Extend.From.Name
	if len(chain) == 0 {
		return nil, Wait{Reason: v1alpha1.ReasonWaitingForSource, Message: fmt.Sprintf("VideoGeneration %s, which is continued, does not exist yet", name)}
	}
	seen := map[types.UID]bool{vg.UID: true}
	for _, link := range chain {
		if seen[link.UID] {
			return nil, Wait{Kind: Stalled, Reason: v1alpha1.ReasonInvalidSource,
				Message: "extend.from leads in a circle: delete one of the circle and create it with another source"}
		}
		seen[link.UID] = true
	}
	if len(chain) > MaxExtensions {
		return nil, Wait{Kind: Stalled, Reason: v1alpha1.ReasonInvalidSource,
			Message: fmt.Sprintf("KIE.AI continues a video %d times at most, and this would be once more: begin another video", MaxExtensions)}
	}
	source := chain[0]
	task, videos := source.Status.Task, source.Status.Videos
	switch {
	case source.Spec.Resolution != "" && source.Spec.Resolution != v1alpha1.Resolution720p:
		return nil, sourceFailed("KIE.AI continues 720p videos only, and %s asks for %s: give the resolution to the last part only", name, source.Spec.Resolution)
	case IsMade(source) && task.State == v1alpha1.TaskSucceeded && len(videos) > 0 && Rank(videos[0].Resolution) > Rank("720p"):
		return nil, sourceFailed("KIE.AI continues 720p videos only, and made %s in %s", name, videos[0].Resolution)
	case IsMade(source) && task.State == v1alpha1.TaskSucceeded && IsOfUnknownAPI(task):
		return nil, sourceFailed("VideoGeneration %s, which is continued, was made by API %q of KIE.AI, which this version of the operator does not continue: run one that does", name, task.API)
	case IsMade(source) && task.State == v1alpha1.TaskSucceeded:
		return &v1alpha1.Source{Name: name, TaskID: task.ID, Account: source.Status.Account}, Wait{}
	case IsMade(source), meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionStalled):
		return nil, sourceFailed("VideoGeneration %s, which is continued, has failed: see its Ready condition", name)
	default:
		return nil, Wait{Reason: v1alpha1.ReasonWaitingForSource, Message: fmt.Sprintf("VideoGeneration %s, which is continued, is not finished yet", name)}
	}
}

func sourceFailed(format string, args ...any) Wait {
	return Wait{Kind: Stalled, Reason: v1alpha1.ReasonSourceFailed, Message: fmt.Sprintf(format, args...)}
}
