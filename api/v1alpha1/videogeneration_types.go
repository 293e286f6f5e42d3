// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Model is a tier of Veo 3.1.
// +kubebuilder:validation:Enum=veo3;veo3_fast;veo3_lite
type Model string

// The tiers that KIE.AI sells.
const (
	ModelQuality Model = "veo3"
	ModelFast    Model = "veo3_fast"
	ModelLite    Model = "veo3_lite"
)

// GenerationType says what the video is made from.
// +kubebuilder:validation:Enum=TEXT_2_VIDEO;FIRST_AND_LAST_FRAMES_2_VIDEO;REFERENCE_2_VIDEO
type GenerationType string

// What a video can be made from.
const (
	// TextToVideo makes the video from the prompt alone.
	TextToVideo GenerationType = "TEXT_2_VIDEO"
	// FirstAndLastFramesToVideo animates one image, or moves from the first
	// of two to the second.
	FirstAndLastFramesToVideo GenerationType = "FIRST_AND_LAST_FRAMES_2_VIDEO"
	// ReferenceToVideo shows the things in up to three images.
	ReferenceToVideo GenerationType = "REFERENCE_2_VIDEO"
)

// AspectRatio is the shape of the video.
// +kubebuilder:validation:Enum="16:9";"9:16";Auto
type AspectRatio string

// The shapes that Veo 3.1 makes.
const (
	AspectRatioLandscape AspectRatio = "16:9"
	AspectRatioPortrait  AspectRatio = "9:16"
	// AspectRatioAuto crops to whichever of the two is nearer to the image.
	AspectRatioAuto AspectRatio = "Auto"
)

// Image is a picture that the video is made from.
type Image struct {
	// url is where KIE.AI fetches the image: a public http or https address
	// of a JPEG, PNG or WebP file.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.contains(' ')",message="an image URL must be a full http or https address, such as https://example.com/first.png"
	URL string `json:"url,omitempty"`
}

// AccountReference names a KieAccount.
type AccountReference struct {
	// name is the name of the KieAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="name must be the name of a KieAccount: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the KieAccount. It defaults to the
	// namespace of the VideoGeneration.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespace must be the name of a namespace: lower case letters, digits and '-'"
	Namespace string `json:"namespace,omitempty"`
}

// VideoGenerationSpec says what video to make, which cannot be changed once it
// is applied, and how to run the purchase, which can.
//
// The combinations that KIE.AI accepts are checked here, so that a video that
// cannot be made is refused when it is applied and costs nothing.
// +kubebuilder:validation:XValidation:rule="self.prompt == oldSelf.prompt",fieldPath=".prompt",message="prompt is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.model) == has(oldSelf.model) && (!has(self.model) || self.model == oldSelf.model)",fieldPath=".model",message="model is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.generationType) == has(oldSelf.generationType) && (!has(self.generationType) || self.generationType == oldSelf.generationType)",fieldPath=".generationType",message="generationType is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="(has(self.images) ? self.images : []) == (has(oldSelf.images) ? oldSelf.images : [])",fieldPath=".images",message="images is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.aspectRatio) == has(oldSelf.aspectRatio) && (!has(self.aspectRatio) || self.aspectRatio == oldSelf.aspectRatio)",fieldPath=".aspectRatio",message="aspectRatio is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.durationSeconds) == has(oldSelf.durationSeconds) && (!has(self.durationSeconds) || self.durationSeconds == oldSelf.durationSeconds)",fieldPath=".durationSeconds",message="durationSeconds is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.seed) == has(oldSelf.seed) && (!has(self.seed) || self.seed == oldSelf.seed)",fieldPath=".seed",message="seed is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.watermark) == has(oldSelf.watermark) && (!has(self.watermark) || self.watermark == oldSelf.watermark)",fieldPath=".watermark",message="watermark is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.enableTranslation) == has(oldSelf.enableTranslation) && (!has(self.enableTranslation) || self.enableTranslation == oldSelf.enableTranslation)",fieldPath=".enableTranslation",message="enableTranslation is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.enableFallback) == has(oldSelf.enableFallback) && (!has(self.enableFallback) || self.enableFallback == oldSelf.enableFallback)",fieldPath=".enableFallback",message="enableFallback is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'TEXT_2_VIDEO' || !has(self.images) || size(self.images) == 0",fieldPath=".images",message="TEXT_2_VIDEO takes no images: remove images, or use generationType FIRST_AND_LAST_FRAMES_2_VIDEO or REFERENCE_2_VIDEO"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'FIRST_AND_LAST_FRAMES_2_VIDEO' || (has(self.images) && size(self.images) in [1, 2])",fieldPath=".images",message="FIRST_AND_LAST_FRAMES_2_VIDEO takes 1 or 2 images: one to animate, or the first and the last frame"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || (has(self.images) && size(self.images) in [1, 2, 3])",fieldPath=".images",message="REFERENCE_2_VIDEO takes 1 to 3 images of what the video shows"
// +kubebuilder:validation:XValidation:rule="has(self.generationType) || !has(self.images) || size(self.images) < 3",fieldPath=".images",message="3 images are only possible with generationType REFERENCE_2_VIDEO: set it, or give 1 or 2 images"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || self.model != 'veo3'",fieldPath=".model",message="REFERENCE_2_VIDEO is not made by model veo3: use veo3_fast or veo3_lite"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || !has(self.durationSeconds) || self.durationSeconds == 8",fieldPath=".durationSeconds",message="REFERENCE_2_VIDEO is always 8 seconds long: set durationSeconds to 8 or leave it out"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || self.aspectRatio != 'Auto'",fieldPath=".aspectRatio",message="REFERENCE_2_VIDEO needs a fixed aspectRatio: use 16:9 or 9:16"
// +kubebuilder:validation:XValidation:rule="self.aspectRatio != 'Auto' || (has(self.images) && size(self.images) > 0)",fieldPath=".aspectRatio",message="aspectRatio Auto takes the shape of the first image, and there is none: add an image, or use 16:9 or 9:16"
// +kubebuilder:validation:XValidation:rule="!self.enableFallback || self.aspectRatio == '16:9'",fieldPath=".enableFallback",message="enableFallback works with aspectRatio 16:9 only: use 16:9, or leave enableFallback out"
type VideoGenerationSpec struct {
	// prompt describes the video: subject, action, camera, sound. It cannot
	// be changed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=5000
	// +kubebuilder:validation:XValidation:rule="self.trim() != ''",message="prompt is blank: describe the video to make"
	Prompt string `json:"prompt,omitempty"`

	// model is the tier of Veo 3.1: veo3 (quality, the most expensive),
	// veo3_fast, or veo3_lite (the cheapest). It cannot be changed.
	// +optional
	// +default="veo3_fast"
	Model Model `json:"model,omitempty"`

	// generationType says what the video is made from: TEXT_2_VIDEO (the
	// prompt alone), FIRST_AND_LAST_FRAMES_2_VIDEO (1 image to animate, or 2
	// as first and last frame) or REFERENCE_2_VIDEO (1 to 3 images of what
	// the video shows; not with veo3, always 8 seconds). Left out, KIE.AI
	// decides by whether there are images. It cannot be changed.
	// +optional
	GenerationType GenerationType `json:"generationType,omitempty"`

	// images are the pictures that the video is made from, in order. They
	// cannot be changed.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=3
	Images []Image `json:"images,omitempty"`

	// aspectRatio is the shape of the video: 16:9, 9:16, or Auto, which
	// follows the first image. It cannot be changed.
	// +optional
	// +default="16:9"
	AspectRatio AspectRatio `json:"aspectRatio,omitempty"`

	// durationSeconds is the length of the video in seconds: 4, 6 or 8. Left
	// out, KIE.AI makes 8 seconds. The price does not depend on it. It
	// cannot be changed.
	// +optional
	// +kubebuilder:validation:Enum=4;6;8
	DurationSeconds *int32 `json:"durationSeconds,omitempty"`

	// seed makes similar videos for equal prompts: a number from 10000 to
	// 99999. Left out, KIE.AI draws one. It cannot be changed.
	// +optional
	// +kubebuilder:validation:Minimum=10000
	// +kubebuilder:validation:Maximum=99999
	Seed *int32 `json:"seed,omitempty"`

	// watermark is a text that is burnt into the video. It cannot be
	// changed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Watermark string `json:"watermark,omitempty"`

	// enableTranslation lets KIE.AI translate the prompt to English first.
	// It cannot be changed.
	// +optional
	// +default=true
	EnableTranslation *bool `json:"enableTranslation,omitempty"`

	// enableFallback lets KIE.AI make the video with another model when Veo
	// refuses the prompt or an image on grounds of policy. It works with
	// aspectRatio 16:9 only; status.fallbackUsed says whether it happened.
	// KIE.AI calls it deprecated. It cannot be changed.
	// +optional
	// +default=false
	EnableFallback *bool `json:"enableFallback,omitempty"`

	// accountRef names the KieAccount that pays. Left out, it is the
	// KieAccount "default" in the namespace of this resource, or else
	// "default" in the namespace of the operator. A change has an effect
	// until the video is bought.
	// +optional
	AccountRef *AccountReference `json:"accountRef,omitempty"`

	// suspend holds the purchase back while it is true. It stops spending
	// only: a video that is already bought is watched until it is finished.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// timeout is the time from the purchase to a finished video, from 1m to
	// 24h, as in "45m" or "1h30m". When it has passed, the resource ends as
	// TimedOut; a larger timeout makes the operator look again.
	// +optional
	// +default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="timeout must be a time from 1m to 24h, such as 45m or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

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

	// completedAt is when the operator saw the end of the task.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
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
	// url is where KIE.AI serves the video. KIE.AI deletes it after a day to
	// two weeks.
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
}

// VideoGenerationStatus is what has happened so far.
// +kubebuilder:validation:MinProperties=1
type VideoGenerationStatus struct {
	// conditions are Ready, always, and Reconciling or Stalled while they
	// are true. The reason of Ready is the STATUS column of kubectl get.
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

	// task is the paid task of the current attempt.
	// +optional
	Task *Task `json:"task,omitempty"`

	// callback is the last callback that was received for this resource.
	// +optional
	Callback *CallbackReceipt `json:"callback,omitempty"`

	// videos are the finished videos.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Videos []Video `json:"videos,omitempty"`

	// fallbackUsed says that KIE.AI made the video with its fallback model.
	// +optional
	FallbackUsed *bool `json:"fallbackUsed,omitempty"`
}

// VideoGeneration buys one video from KIE.AI's Veo 3.1 API and reports on it
// until it is finished.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=vg;videogen,categories=kie
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=`.spec.model`
// +kubebuilder:printcolumn:name="Resolution",type=string,JSONPath=`.status.videos[0].resolution`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Task",type=string,priority=1,JSONPath=`.status.task.id`
// +kubebuilder:printcolumn:name="Video",type=string,priority=1,JSONPath=`.status.videos[0].url`
type VideoGeneration struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what video to make and how to run the purchase.
	// +required
	Spec VideoGenerationSpec `json:"spec,omitempty,omitzero"`

	// status is what has happened so far.
	// +optional
	Status VideoGenerationStatus `json:"status,omitempty,omitzero"`
}

// VideoGenerationList is a list of VideoGenerations.
//
// +kubebuilder:object:root=true
type VideoGenerationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VideoGeneration `json:"items"`
}
