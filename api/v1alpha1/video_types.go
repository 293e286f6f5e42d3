// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// UpgradeState is how far the upgrade of a finished video has come.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type UpgradeState string

// The states of an upgrade.
const (
	// UpgradeRunning means that KIE.AI is asked for the larger version until
	// it is there.
	UpgradeRunning UpgradeState = "Running"
	// UpgradeSucceeded means that the larger version is there.
	UpgradeSucceeded UpgradeState = "Succeeded"
	// UpgradeFailed means that there will be no larger version; failure says
	// why. The 720p video stays.
	UpgradeFailed UpgradeState = "Failed"
)

// Upgrade is the larger version of a finished video.
type Upgrade struct {
	// resolution is what is asked for: 1080p or 4k.
	// +required
	Resolution Resolution `json:"resolution,omitempty"`

	// attempt is a random token, the last part of the URL that KIE.AI calls
	// when the 4k version is finished.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Attempt string `json:"attempt,omitempty"`

	// submittedAt is when the upgrade was decided.
	// +required
	SubmittedAt metav1.Time `json:"submittedAt,omitempty,omitzero"`

	// id is KIE.AI's id of the upgrade, if it is another one than that of the
	// task.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// state is how far the upgrade has come: Running, Succeeded or Failed.
	// +required
	State UpgradeState `json:"state,omitempty"`

	// failure says why there is no larger version.
	// +optional
	Failure *TaskFailure `json:"failure,omitempty"`

	// creditsConsumed is what the finished upgrade has cost by the price
	// table of the account.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	CreditsConsumed string `json:"creditsConsumed,omitempty"`

	// completedAt is when the operator saw the end of the upgrade.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// Video is a finished video.
type Video struct {
	// url is where KIE.AI serves the video. It may stop working after a day;
	// the annotation kie-operator.github.io/refresh-links asks for another link.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// index is the place of the video among those of the task, counted from 0
	// as KIE.AI does. It is left out for the first.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Index int32 `json:"index,omitempty"`

	// resolution is the resolution that KIE.AI says the video has.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Resolution string `json:"resolution,omitempty"`

	// originURL is the video before it was cropped or scaled, where KIE.AI
	// gives one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	OriginURL string `json:"originURL,omitempty"`

	// width is the width of the picture in pixels, as found in the file.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Width int32 `json:"width,omitempty"`

	// height is the height of the picture in pixels, as found in the file.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Height int32 `json:"height,omitempty"`

	// duration is the length of the video, as found in the file.
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`

	// audio says whether the video has sound, as found in the file, or else
	// as KIE.AI says. Veo leaves the sound out where it breaks a policy.
	// +optional
	Audio *bool `json:"audio,omitempty"`

	// seed is the seed that KIE.AI says the video was made with.
	// +optional
	Seed *int32 `json:"seed,omitempty"`

	// expiresAt is when KIE.AI deletes the video, 14 days after it was
	// bought. After that no link brings it back.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`

	// downloadURL is a fresh link to the video that was asked for with the
	// annotation kie-operator.github.io/refresh-links.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	DownloadURL string `json:"downloadURL,omitempty"`

	// downloadURLExpiresAt is when the fresh link stops working.
	// +optional
	DownloadURLExpiresAt *metav1.Time `json:"downloadURLExpiresAt,omitempty"`

	// artifact is the stored copy of the video at url.
	// +optional
	Artifact *Artifact `json:"artifact,omitempty"`

	// originArtifact is the stored copy of the video at originURL.
	// +optional
	OriginArtifact *Artifact `json:"originArtifact,omitempty"`
}
