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

// kind is what is to become of a VideoGeneration.
type kind string

const (
	plain kind = "plain"
	// rejected has a task that fails for its prompt.
	rejected kind = "rejected"
	// retried has tasks that fail, and may buy two or three.
	retried kind = "retried"
	fullHD  kind = "1080p"
	ultraHD kind = "4k"
	// extension continues a plain one before it.
	extension kind = "extension"
	// resumed is suspended at first.
	resumed kind = "resumed"
	// deleted is deleted under way.
	deleted kind = "deleted"
	// unheard is bought, and the answer is lost.
	unheard kind = "answer lost"
	// unsold is not bought, and the answer is lost.
	unsold      kind = "refusal lost"
	calledTwice kind = "called twice"
	calledLate  kind = "called late"
)

// shares is the mix, in parts of a hundred.
var shares = []struct {
	kind  kind
	parts int
}{
	{plain, 38}, {rejected, 6}, {retried, 6}, {fullHD, 6}, {ultraHD, 6}, {extension, 6}, {resumed, 6},
	{deleted, 6}, {unheard, 4}, {unsold, 1}, {calledTwice, 8}, {calledLate, 7},
}

// video is a VideoGeneration as it is planned.
type video struct {
	name    types.NamespacedName
	account string
	kind    kind
	// attempts is how often it may be bought.
	attempts int
	// after is how long after its creation it is resumed or deleted.
	after   time.Duration
	source  string
	markers []string
}

// park is what all videos of a run have in common.
type park struct {
	seed                 uint64
	namespaces, accounts int
}

func namespaceName(i int) string { return fmt.Sprintf("chaos-%d", i) }

// video plans the video of a number. It depends on the seed and the number only.
func (p park) video(number int) video {
	random := rand.New(rand.NewPCG(p.seed, uint64(number))) //nolint:gosec // chosen to be the same again
	owner := number % p.accounts
	v := video{
		name:     types.NamespacedName{Namespace: namespaceName(owner % p.namespaces), Name: fmt.Sprintf("video-%05d", number)},
		account:  accountName(owner),
		kind:     drawKind(random),
		attempts: 1,
		after:    time.Duration(random.IntN(15_000)) * time.Millisecond,
		markers:  []string{fmt.Sprintf("[sim:latency=%ds]", 2+random.IntN(10))},
	}
	source := number - p.accounts // the one before it on the same account, and so in the same namespace
	switch v.kind {
	case rejected:
		v.markers = append(v.markers, "[sim:fail=400]")
	case retried:
		v.attempts = 2 + random.IntN(2)
		v.markers = append(v.markers, "[sim:fail=501]")
	case fullHD:
		v.markers = append(v.markers, "[sim:1080p-latency=5s]")
	case ultraHD:
		v.markers = append(v.markers, "[sim:4k-latency=5s]")
	case extension:
		if source < 0 || p.video(source).kind != plain {
			v.kind = plain
			break
		}
		v.source = p.video(source).name.Name
	case unheard:
		v.markers = append(v.markers, []string{"[sim:accept-then=drop]", "[sim:accept-then=502]", "[sim:accept-then=garbage]"}[random.IntN(3)])
	case unsold:
		v.markers = append(v.markers, "[sim:refuse-then=drop]")
	case calledTwice:
		v.markers = append(v.markers, "[sim:callback=twice]")
	case calledLate:
		v.markers = append(v.markers, fmt.Sprintf("[sim:callback=late=%ds]", 1+random.IntN(20)))
	default:
	}
	return v
}

func drawKind(random *rand.Rand) kind {
	drawn := random.IntN(100)
	for _, share := range shares {
		if drawn -= share.parts; drawn < 0 {
			return share.kind
		}
	}
	return plain
}

// prompt says which video a task is of, and to the simulator what becomes of it.
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
			Retry:      v1alpha1.Retry{MaxAttempts: int32(v.attempts)}, //nolint:gosec // 3 at most
		},
	}
	switch v.kind {
	case fullHD:
		vg.Spec.Resolution = v1alpha1.Resolution1080p
	case ultraHD:
		vg.Spec.Resolution = v1alpha1.Resolution4K
	case extension:
		vg.Spec.Extend = &v1alpha1.Extend{From: v1alpha1.SourceReference{Name: v.source}}
	case resumed:
		vg.Spec.Suspend = ptr.To(true)
	default:
	}
	return vg
}
