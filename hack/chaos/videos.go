// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// video is a VideoGeneration as it is planned.
type video struct {
	name    types.NamespacedName
	account string
	sort    sort
	kind    kind
	// attempts is how often it may be paid for, as long as nobody buys it again by name.
	attempts int
	// after is how long after its creation it is resumed or deleted.
	after time.Duration
	// source is the one that it continues, or whose task it adopts.
	source  string
	markers []string
	// policy is what becomes of its stored videos; empty if it does not say.
	policy v1alpha1.DeletionPolicy
	// elsewhere is the account on which it is bought again; empty for the same one.
	elsewhere string
	// adopted is the task that it adopts.
	adopted string
}

// plan has what all videos of a run have in common.
type plan struct {
	seed                 uint64
	namespaces, accounts int
}

func namespaceName(i int) string { return fmt.Sprintf("chaos-%d", i) }

// video plans the video of a number. It depends on the seed and the number only.
func (p plan) video(number int) video {
	random := rand.New(rand.NewPCG(p.seed, uint64(number))) //nolint:gosec // chosen to be the same again
	owner := number % p.accounts
	v := video{
		name:     types.NamespacedName{Namespace: namespaceName(owner % p.namespaces), Name: fmt.Sprintf("video-%05d", number)},
		account:  accountName(owner),
		sort:     sortOf(owner),
		attempts: 1,
		after:    time.Duration(random.IntN(15_000)) * time.Millisecond,
		markers:  []string{fmt.Sprintf("[sim:latency=%ds]", 2+random.IntN(10))},
	}
	v.kind = p.kindOf(number, drawKind(random))
	v.markers = append(v.markers, markersOf(v.kind, random)...)
	switch {
	case v.kind == retried:
		v.attempts = 2 + random.IntN(2)
	case v.kind.adopts():
		v.attempts = 0
	case v.kind.boughtAgain() && random.IntN(2) == 0:
		v.elsewhere = accountName(p.ordinaryAfter(owner))
	}
	switch v.kind {
	default:
	case extension, borrower:
		v.source = p.name(number - p.accounts)
	case astray:
		v.adopted = fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
	}
	if v.sort.stores() {
		v.policy = []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionDelete}[random.IntN(2)]
	}
	return v
}

// kindOf is the kind that was drawn, if the video can be of it.
func (p plan) kindOf(number int, drawn kind) kind {
	s := sortOf(number % p.accounts)
	source := number - p.accounts // the one before it on the same account, and so in the same namespace
	switch {
	case drawn == discarded && !s.stores(),
		s == budgeted && (drawn.boughtAgain() || drawn == orphaned || drawn == borrower || drawn == ultraHD),
		(drawn == extension || drawn == borrower) && (source < 0 || p.kind(source) != plain):
		return plain
	default:
		return drawn
	}
}

// kind is the kind of the video of a number.
func (p plan) kind(number int) kind {
	random := rand.New(rand.NewPCG(p.seed, uint64(number))) //nolint:gosec // chosen to be the same again
	random.IntN(15_000)                                     // as in video
	random.IntN(10)
	return p.kindOf(number, drawKind(random))
}

func (p plan) name(number int) string { return fmt.Sprintf("video-%05d", number) }

// ordinaryAfter returns the next account without a budget and without storage.
func (p plan) ordinaryAfter(owner int) int {
	for i := 1; i < p.accounts; i++ {
		if other := (owner + i) % p.accounts; sortOf(other) == ordinary {
			return other
		}
	}
	return owner
}

// heir is the video that adopts the task of this one, which was deleted in flight.
func (v video) heir(task string) video {
	return video{
		name:    types.NamespacedName{Namespace: v.name.Namespace, Name: v.name.Name + "-heir"},
		account: v.account, sort: v.sort, kind: heir, source: v.name.Name, policy: v.policy, adopted: task,
	}
}

// prompt names the video, so that its tasks can be recognized, and has the markers
// that tell the simulator what to do.
func (v video) prompt() string {
	return canaryPrompt + " " + v.name.String() + " " + strings.Join(v.markers, " ")
}

// nameIn reads the name back from a prompt.
func nameIn(prompt string) (types.NamespacedName, bool) {
	words := strings.Fields(prompt)
	if len(words) < 2 || words[0] != canaryPrompt {
		return types.NamespacedName{}, false
	}
	namespace, name, ok := strings.Cut(words[1], "/")
	return types.NamespacedName{Namespace: namespace, Name: name}, ok
}

// resource is what is applied.
func (v video) resource() *v1alpha1.VideoGeneration {
	vg := &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: v.name.Namespace, Name: v.name.Name},
		Spec: v1alpha1.VideoGenerationSpec{
			Prompt:     v.prompt(),
			AccountRef: &v1alpha1.AccountReference{Namespace: testenv.OperatorNamespace, Name: v.account},
			Retry:      v1alpha1.Retry{MaxAttempts: int32(max(v.attempts, 1))}, //nolint:gosec // 3 at most
		},
	}
	switch v.kind {
	case fullHD:
		vg.Spec.Resolution = v1alpha1.Resolution1080p
	case ultraHD:
		vg.Spec.Resolution = v1alpha1.Resolution4K
	case extension:
		vg.Spec.Extend = &v1alpha1.Extend{From: v1alpha1.SourceReference{Name: v.source}}
	case pictured:
		vg.Spec.Images = []v1alpha1.Image{{ConfigMapKeyRef: &v1alpha1.KeyReference{Name: pictureName, Key: pictureKey}}}
	case resumed:
		vg.Spec.Suspend = ptr.To(true)
	default:
	}
	if v.sort == budgeted {
		vg.Spec.Model = v1alpha1.ModelLite
	}
	if v.policy != "" {
		vg.Spec.Storage = &v1alpha1.Storage{DeletionPolicy: v.policy}
	}
	if v.kind.adopts() {
		vg.Annotations = map[string]string{v1alpha1.AnnotationAdoptTaskID: v.adopted}
	}
	return vg
}

// String names the video and says what was to become of it.
func (v video) String() string { return fmt.Sprintf("%s (%s)", v.name, v.kind) }
