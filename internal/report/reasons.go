// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

// Reasons of Events that are not those of a condition.
const (
	// ReasonBoughtAgain says that a tool will create a resource again which its time to live deletes.
	ReasonBoughtAgain = "WillBeBoughtAgain"
	// ReasonDeletedInFlight says that a resource was deleted before the end of what was paid for.
	ReasonDeletedInFlight = "DeletedInFlight"
	// ReasonFallbackUsed says that KIE.AI made the video with its fallback model.
	ReasonFallbackUsed = "FallbackUsed"
	// ReasonNoFreshLink says that KIE.AI gives no fresh link to a video.
	ReasonNoFreshLink = "NoFreshLink"
	// ReasonPaidTwice says that a refused purchase was made beside the one that took its place.
	ReasonPaidTwice = "PaidTwice"
	// ReasonPriceDiffers says that KIE.AI has charged another price than the table says.
	ReasonPriceDiffers = "PriceDiffers"
	// ReasonRefusedAndMade says that a refused purchase was made, and that its task is taken over.
	ReasonRefusedAndMade = "RefusedAndMade"
	// ReasonRefusedNotConfirmed says that KIE.AI does not confirm that a refused purchase was made for which it has called back.
	ReasonRefusedNotConfirmed = "RefusedNotConfirmed"
	// ReasonStatusNotWritten says that the API server refuses the status of a resource.
	ReasonStatusNotWritten = "StatusNotWritten"
	// ReasonStoredVideosLeft says that stored videos could not be deleted with their resource.
	ReasonStoredVideosLeft = "StoredVideosLeft"
	// ReasonTimeToLiveOver says that a finished resource is deleted.
	ReasonTimeToLiveOver = "TimeToLiveOver"
	// ReasonWithoutSound says that KIE.AI left the sound of a video out.
	ReasonWithoutSound = "WithoutSound"
)
