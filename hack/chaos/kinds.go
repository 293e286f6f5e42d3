// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
)

// kind is what a VideoGeneration is to go through.
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
	// pictured has an image in a ConfigMap, which is uploaded.
	pictured kind = "uploaded image"
	// resumed is suspended at first.
	resumed kind = "resumed"
	// deleted is deleted under way.
	deleted kind = "deleted"
	// discarded is deleted when its video is stored.
	discarded kind = "stored and deleted"
	// orphaned is deleted when its task has an id, and another one, the heir, adopts that.
	orphaned kind = "deleted in flight"
	heir     kind = "heir"
	// borrower adopts the task of a plain one before it, which has bought that on the same account.
	borrower kind = "adopts another's task"
	// astray adopts a task that does not exist.
	astray kind = "adopts no task"
	// unheard is bought, and the answer is lost.
	unheard kind = "answer lost"
	// misled is bought, and a gateway answers instead of KIE.AI, as if it were not.
	misled kind = "answer of a gateway"
	// unsold is not bought, and the answer is lost.
	unsold kind = "refusal lost"
	// The last three are bought again by name: after a purchase that was not made and whose refusal was lost, after
	// one that was made and of which nothing was ever heard, and after one that KIE.AI could not make.
	againUnsold  kind = "refusal lost, bought again"
	againUnheard kind = "never heard of, bought again"
	againFailed  kind = "failed, bought again"
	calledTwice  kind = "called twice"
	calledLate   kind = "called late"
)

// shares is the mix, in parts of a hundred.
var shares = []struct {
	kind  kind
	parts int
}{
	{plain, 26}, {rejected, 4}, {retried, 5}, {fullHD, 5}, {ultraHD, 5}, {extension, 5}, {pictured, 4}, {resumed, 4},
	{deleted, 4}, {discarded, 5}, {orphaned, 4}, {borrower, 3}, {astray, 2}, {unheard, 4}, {misled, 4}, {unsold, 1},
	{againUnsold, 2}, {againUnheard, 2}, {againFailed, 2}, {calledTwice, 5}, {calledLate, 4},
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

// adopts reports whether the video takes a task over and buys none.
func (k kind) adopts() bool { return k == heir || k == borrower || k == astray }

// boughtAgain reports whether somebody asks for another purchase by name.
func (k kind) boughtAgain() bool { return k == againUnsold || k == againUnheard || k == againFailed }

// lostAnswers are the ways in which the answer to a purchase is lost.
var lostAnswers = []string{"[sim:accept-then=drop]", "[sim:accept-then=502]", "[sim:accept-then=garbage]"}

// gatewayAnswers are answers of a gateway between the operator and KIE.AI after the
// purchase was made. They are not KIE.AI's own, and so no proof that nothing was
// bought: each such purchase has to end with one task, found by its callback.
var gatewayAnswers = []string{
	"[sim:accept-then=html-401]", "[sim:accept-then=html-403]", "[sim:accept-then=html-421]", "[sim:accept-then=html-429]",
	"[sim:accept-then=html-431]", "[sim:accept-then=1010]",
}

// markersOf says to the simulator, or to the gate before it, what becomes of a video.
func markersOf(k kind, random *rand.Rand) []string {
	switch k {
	case rejected:
		return []string{"[sim:fail=400]"}
	case retried, againFailed:
		return []string{"[sim:fail=501]"}
	case fullHD:
		return []string{"[sim:1080p-latency=5s]"}
	case ultraHD:
		return []string{"[sim:4k-latency=5s]"}
	case unheard:
		return []string{lostAnswers[random.IntN(len(lostAnswers))]}
	case misled:
		return []string{gatewayAnswers[random.IntN(len(gatewayAnswers))]}
	case unsold:
		return []string{"[sim:refuse-then=drop]"}
	case againUnsold:
		return []string{firstRefused}
	case againUnheard:
		return []string{firstUnheard}
	case calledTwice:
		return []string{"[sim:callback=twice]"}
	case calledLate:
		return []string{fmt.Sprintf("[sim:callback=late=%ds]", 1+random.IntN(20))}
	default:
		return nil
	}
}
