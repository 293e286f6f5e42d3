// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TaskState is how far a paid task has come.
// +kubebuilder:validation:Enum=Submitting;Running;Succeeded;Failed
type TaskState string

// The states of a paid task.
const (
	// TaskSubmitting means that the purchase is about to be made, is being
	// made, or was made with its answer lost. While it lasts, nothing else
	// is bought.
	TaskSubmitting TaskState = "Submitting"
	// TaskRunning means that KIE.AI accepted the task.
	TaskRunning TaskState = "Running"
	// TaskSucceeded means that KIE.AI finished the video.
	TaskSucceeded TaskState = "Succeeded"
	// TaskFailed means that there will be no video; failure says why.
	TaskFailed TaskState = "Failed"
)

// TaskFailure says why a task ended without a video.
type TaskFailure struct {
	// code is KIE.AI's code of the failure, where it gave one.
	// +optional
	Code *int32 `json:"code,omitempty"`

	// reason is the cause in one word, the same as in the Ready condition.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message is what KIE.AI or the operator says about the failure.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// Operation is what a task was bought for.
// +kubebuilder:validation:Enum=Generate;Extend
type Operation string

// What a task can be bought for.
const (
	// OperationGenerate makes a new video.
	OperationGenerate Operation = "Generate"
	// OperationExtend continues a video.
	OperationExtend Operation = "Extend"
)

// Task is one paid task at KIE.AI.
type Task struct {
	// attempt is a random token that stands for this purchase. It was
	// written before the purchase was made, and it is the last part of the
	// URL that KIE.AI calls when the video is finished.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Attempt string `json:"attempt,omitempty"`

	// number counts the purchases of this resource, from 1.
	// +required
	// +kubebuilder:validation:Minimum=1
	Number int32 `json:"number,omitempty"`

	// operation is what was bought: Generate or Extend.
	// +optional
	Operation Operation `json:"operation,omitempty"`

	// submittedAt is when the purchase was decided.
	// +required
	SubmittedAt metav1.Time `json:"submittedAt,omitempty,omitzero"`

	// id is the name that KIE.AI gave to the task.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// adopted says that the task was not bought by this resource but taken
	// over by its annotation. KIE.AI calls nobody back for it, so it is
	// polled.
	// +optional
	Adopted *bool `json:"adopted,omitempty"`

	// state is how far the task has come: Submitting, Running, Succeeded or
	// Failed.
	// +required
	State TaskState `json:"state,omitempty"`

	// failure says why the task ended without a video.
	// +optional
	Failure *TaskFailure `json:"failure,omitempty"`

	// creditsConsumed is what the finished task has cost: what KIE.AI says,
	// or else what the price table of the account says. KIE.AI does not
	// charge for tasks that fail.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	CreditsConsumed string `json:"creditsConsumed,omitempty"`

	// completedAt is when the operator saw the end of the task.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// PastTask is a paid task that another one has taken the place of.
type PastTask struct {
	// attempt is the token that stood for the purchase.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Attempt string `json:"attempt,omitempty"`

	// number is which purchase of this resource it was, from 1.
	// +required
	// +kubebuilder:validation:Minimum=1
	Number int32 `json:"number,omitempty"`

	// id is the name that KIE.AI gave to the task, if it is known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// submittedAt is when the purchase was decided.
	// +required
	SubmittedAt metav1.Time `json:"submittedAt,omitempty,omitzero"`

	// completedAt is when the operator saw the end of the task.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`

	// code is KIE.AI's code of the failure, where it gave one.
	// +optional
	Code *int32 `json:"code,omitempty"`

	// reason is the cause of the failure in one word.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
}

// UpgradeState is how far the upgrade of a finished video has come.
// +kubebuilder:validation:Enum=Running;Succeeded;Failed
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

	// id is how KIE.AI calls the upgrade, if it does not call it by the id of
	// the task.
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

// Source is the video that an extension continues.
type Source struct {
	// name is the VideoGeneration that made it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// taskID is the task that made it. It stays, whatever becomes of that
	// VideoGeneration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	TaskID string `json:"taskID,omitempty"`

	// account is the namespace and name of the KieAccount that bought it,
	// and that has to buy the extension too.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Account string `json:"account,omitempty"`
}

// CallbackReceipt is the last callback that was received. It is a hint: the
// operator asks KIE.AI for the result and believes only that answer.
type CallbackReceipt struct {
	// attempt is the token in the URL that was called.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Attempt string `json:"attempt,omitempty"`

	// taskID is the task that the callback speaks of.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	TaskID string `json:"taskID,omitempty"`

	// code is the outcome that the callback claims.
	// +optional
	Code *int32 `json:"code,omitempty"`

	// receivedAt is when the callback came in.
	// +required
	ReceivedAt metav1.MicroTime `json:"receivedAt,omitempty,omitzero"`
}

// Video is a finished video.
type Video struct {
	// url is where KIE.AI serves the video. It may stop working after a day;
	// the annotation kie.ai/refresh-links asks for another link.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

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

	// audio says whether the file has sound.
	// +optional
	Audio *bool `json:"audio,omitempty"`

	// expiresAt is when KIE.AI deletes the video, 14 days after it was
	// bought. After that no link brings it back.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`

	// downloadURL is a fresh link to the video that was asked for with the
	// annotation kie.ai/refresh-links.
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

// VideoGenerationStatus is what has happened so far.
// +kubebuilder:validation:MinProperties=1
type VideoGenerationStatus struct {
	// conditions are Ready, always, and Reconciling, Stalled or
	// DiffersFromSpec while they are true. The reason of Ready is the STATUS column of kubectl get.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status
	// speaks of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// account is the namespace and name of the KieAccount that pays.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Account string `json:"account,omitempty"`

	// estimatedCredits is what the video costs in all, with its upgrade, by
	// the price table of the account.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	EstimatedCredits string `json:"estimatedCredits,omitempty"`

	// source is the video that an extension continues, once it is finished.
	// +optional
	Source *Source `json:"source,omitempty"`

	// task is the paid task of the current attempt.
	// +optional
	Task *Task `json:"task,omitempty"`

	// history are the paid tasks before the current one, the oldest first.
	// Only the last 20 are kept.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	History []PastTask `json:"history,omitempty"`

	// upgrade is the larger version of the finished video, where
	// spec.resolution asks for one.
	// +optional
	Upgrade *Upgrade `json:"upgrade,omitempty"`

	// callback is the last callback that was received for this resource.
	// +optional
	Callback *CallbackReceipt `json:"callback,omitempty"`

	// videos are the finished videos, what was asked for first. The 720p
	// video from which an upgrade was made is among them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Videos []Video `json:"videos,omitempty"`

	// storage is how far the storing of the videos has come, where there is
	// storage for them.
	// +optional
	Storage *StorageProgress `json:"storage,omitempty"`

	// fallbackUsed says that KIE.AI made the video with its fallback model.
	// +optional
	FallbackUsed *bool `json:"fallbackUsed,omitempty"`

	// refreshedLinks is the last value of the annotation
	// kie.ai/refresh-links that was acted upon.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RefreshedLinks string `json:"refreshedLinks,omitempty"`
}
