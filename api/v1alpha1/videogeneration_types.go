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

// Resolution is the height of the picture, by its usual name.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type Resolution string

// The resolutions that KIE.AI sells.
const (
	Resolution720p  Resolution = "720p"
	Resolution1080p Resolution = "1080p"
	Resolution4K    Resolution = "4k"
)

// KeyReference names a key of a ConfigMap or Secret in the same namespace.
type KeyReference struct {
	// name is the name of the ConfigMap or Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="name must be the name of a ConfigMap or Secret: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// key is the key that holds the file.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be the key of a ConfigMap or Secret: letters, digits, '-', '_' and '.'"
	Key string `json:"key,omitempty"`
}

// Image is a picture that the video is made from: at a URL, or in the cluster.
// +kubebuilder:validation:ExactlyOneOf=url;configMapKeyRef;secretKeyRef
type Image struct {
	// url is where KIE.AI fetches the image: a public http or https address
	// of a JPEG, PNG or WebP file.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.contains(' ')",message="an image URL must be a full http or https address, such as https://example.com/first.png"
	URL string `json:"url,omitempty"`

	// configMapKeyRef names a JPEG, PNG or WebP file in the binaryData of a
	// ConfigMap in the same namespace. It is uploaded to KIE.AI when the
	// video is bought.
	// +optional
	ConfigMapKeyRef *KeyReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef names a JPEG, PNG or WebP file in a Secret in the same
	// namespace, which the operator must be allowed to read. It is uploaded
	// to KIE.AI when the video is bought.
	// +optional
	SecretKeyRef *KeyReference `json:"secretKeyRef,omitempty"`
}

// SourceReference names another VideoGeneration in the same namespace.
type SourceReference struct {
	// name is the name of the VideoGeneration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="name must be the name of a VideoGeneration: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// Extend says which video is continued.
type Extend struct {
	// from is the video that is continued. It may be an extension itself, 20
	// in a row at most. KIE.AI continues 720p videos only.
	// +required
	From SourceReference `json:"from,omitempty,omitzero"`
}

// Retry says how often a video is bought in all.
// +kubebuilder:validation:MinProperties=1
type Retry struct {
	// maxAttempts is how often the video is bought at most, when KIE.AI
	// could not make it (codes 500 and 501). 1, the default, never buys
	// again. A video whose prompt or image was refused is never bought again,
	// and neither is one whose purchase may or may not have been made.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MaxAttempts int32 `json:"maxAttempts,omitempty"`
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
// +kubebuilder:validation:XValidation:rule="(has(self.aspectRatio) ? self.aspectRatio : '16:9') == (has(oldSelf.aspectRatio) ? oldSelf.aspectRatio : '16:9')",fieldPath=".aspectRatio",message="aspectRatio is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.durationSeconds) == has(oldSelf.durationSeconds) && (!has(self.durationSeconds) || self.durationSeconds == oldSelf.durationSeconds)",fieldPath=".durationSeconds",message="durationSeconds is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.seed) == has(oldSelf.seed) && (!has(self.seed) || self.seed == oldSelf.seed)",fieldPath=".seed",message="seed is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.watermark) == has(oldSelf.watermark) && (!has(self.watermark) || self.watermark == oldSelf.watermark)",fieldPath=".watermark",message="watermark is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.enableTranslation) == has(oldSelf.enableTranslation) && (!has(self.enableTranslation) || self.enableTranslation == oldSelf.enableTranslation)",fieldPath=".enableTranslation",message="enableTranslation is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.resolution) == has(oldSelf.resolution) && (!has(self.resolution) || self.resolution == oldSelf.resolution)",fieldPath=".resolution",message="resolution is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.extend) == has(oldSelf.extend) && (!has(self.extend) || self.extend == oldSelf.extend)",fieldPath=".extend",message="extend is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="has(self.enableFallback) == has(oldSelf.enableFallback) && (!has(self.enableFallback) || self.enableFallback == oldSelf.enableFallback)",fieldPath=".enableFallback",message="enableFallback is immutable: a VideoGeneration is one purchase; create another one for another video"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'TEXT_2_VIDEO' || !has(self.images) || size(self.images) == 0",fieldPath=".images",message="TEXT_2_VIDEO takes no images: remove images, or use generationType FIRST_AND_LAST_FRAMES_2_VIDEO or REFERENCE_2_VIDEO"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'FIRST_AND_LAST_FRAMES_2_VIDEO' || (has(self.images) && size(self.images) in [1, 2])",fieldPath=".images",message="FIRST_AND_LAST_FRAMES_2_VIDEO takes 1 or 2 images: one to animate, or the first and the last frame"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || (has(self.images) && size(self.images) in [1, 2, 3])",fieldPath=".images",message="REFERENCE_2_VIDEO takes 1 to 3 images of what the video shows"
// +kubebuilder:validation:XValidation:rule="has(self.generationType) || !has(self.images) || size(self.images) < 3",fieldPath=".images",message="3 images are only possible with generationType REFERENCE_2_VIDEO: set it, or give 1 or 2 images"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || self.model != 'veo3'",fieldPath=".model",message="REFERENCE_2_VIDEO is not made by model veo3: use veo3_fast or veo3_lite"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || !has(self.durationSeconds) || self.durationSeconds == 8",fieldPath=".durationSeconds",message="REFERENCE_2_VIDEO is always 8 seconds long: set durationSeconds to 8 or leave it out"
// +kubebuilder:validation:XValidation:rule="!has(self.generationType) || self.generationType != 'REFERENCE_2_VIDEO' || !has(self.aspectRatio) || self.aspectRatio != 'Auto'",fieldPath=".aspectRatio",message="REFERENCE_2_VIDEO needs a fixed aspectRatio: use 16:9 or 9:16"
// +kubebuilder:validation:XValidation:rule="!has(self.aspectRatio) || self.aspectRatio != 'Auto' || (has(self.images) && size(self.images) > 0)",fieldPath=".aspectRatio",message="aspectRatio Auto takes the shape of the first image, and there is none: add an image, or use 16:9 or 9:16"
// +kubebuilder:validation:XValidation:rule="!self.enableFallback || !has(self.aspectRatio) || self.aspectRatio == '16:9'",fieldPath=".enableFallback",message="enableFallback works with aspectRatio 16:9 only: use 16:9, or leave enableFallback out"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || !has(self.images) || size(self.images) == 0",fieldPath=".images",message="an extension continues a video and takes no images: remove images or extend"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || !has(self.generationType)",fieldPath=".generationType",message="an extension continues a video and has no generationType: remove generationType or extend"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || !has(self.durationSeconds)",fieldPath=".durationSeconds",message="KIE.AI decides how much longer an extension is: remove durationSeconds"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || !has(self.aspectRatio)",fieldPath=".aspectRatio",message="an extension has the shape of the video that it continues: remove aspectRatio"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || !self.enableFallback",fieldPath=".enableFallback",message="KIE.AI has no fallback for extensions: remove enableFallback"
// +kubebuilder:validation:XValidation:rule="!has(self.extend) || self.enableTranslation",fieldPath=".enableTranslation",message="KIE.AI always decides itself about the translation of an extension's prompt: remove enableTranslation"
type VideoGenerationSpec struct {
	// prompt describes the video: subject, action, camera, sound. It cannot
	// be changed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=5000
	// +kubebuilder:validation:XValidation:rule="self.matches('[\\\\pL\\\\pN\\\\pP\\\\pS]')",message="prompt is blank: describe the video to make"
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

	// aspectRatio is the shape of the video: 16:9, which is used if it is left
	// out, 9:16, or Auto, which follows the first image. An extension has that of
	// the video that it continues, and takes none. It cannot be changed.
	// +optional
	AspectRatio AspectRatio `json:"aspectRatio,omitempty"`

	// resolution is 720p, 1080p or 4k. The video is made in 720p first and
	// then upgraded, which costs extra; both stay in status.videos. It
	// cannot be changed.
	// +optional
	// +default="720p"
	// +kubebuilder:validation:Enum="720p";"1080p";"4k"
	Resolution Resolution `json:"resolution,omitempty"`

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

	// extend continues the finished video of another VideoGeneration with
	// this prompt, on the account that bought that one. It may be applied
	// before the other one, and takes no images, generationType,
	// aspectRatio or durationSeconds. It cannot be changed.
	// +optional
	Extend *Extend `json:"extend,omitempty"`

	// accountRef names the KieAccount that pays. Left out, it is the
	// KieAccount "default" in the namespace of this resource, or else
	// "default" in the namespace of the operator. A change has an effect
	// until the video is bought.
	// +optional
	AccountRef *AccountReference `json:"accountRef,omitempty"`

	// suspend holds every purchase back while it is true: the video, its
	// upgrade, and another try. It stops spending only: what is already
	// bought is followed to its end. status.estimatedCredits says what the
	// purchase would cost.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// priority puts the resource before those of its namespace that have a
	// smaller one, while it waits for its turn on the account. Namespaces
	// take turns, whatever their priorities.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=-1000
	// +kubebuilder:validation:Maximum=1000
	Priority *int32 `json:"priority,omitempty"`

	// retry says how often the video is bought in all. By default it is
	// bought once.
	// +optional
	// +default={"maxAttempts": 1}
	Retry Retry `json:"retry,omitempty,omitzero"`

	// ttlSecondsAfterFinished is the number of seconds after which the operator
	// deletes the finished or failed resource. Left out, it stays. Do not set
	// it on resources that a GitOps tool applies: the tool would create the
	// resource again, and it would be bought again.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=315360000
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`

	// storage is where the finished videos are kept, if not in the storage of
	// the KieAccount. KIE.AI deletes them after 14 days and its links may die
	// after one day. A change has an effect on what is not stored yet.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.url) || !self.url.startsWith('file:')",fieldPath=".url",message="a folder of the operator can be named by a KieAccount only: use s3://BUCKET, gs://BUCKET or azblob://CONTAINER, or leave url out to use the storage of the KieAccount"
	// +kubebuilder:validation:XValidation:rule="!has(self.url) || has(self.credentialsSecretRef)",fieldPath=".credentialsSecretRef",message="the identity of the operator is for the storage of KieAccounts only: add credentialsSecretRef with the Secret that holds the credentials of the bucket"
	Storage *Storage `json:"storage,omitempty"`

	// timeout is how long the video may take from its purchase, and again how
	// long its upgrade may take, from 1m to 24h, as in "45m" or "1h30m". When
	// it has passed, the resource ends as TimedOut; a larger timeout makes the
	// operator look again.
	// +optional
	// +default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="timeout must be a time from 1m to 24h, such as 45m or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

// VideoGeneration buys one video from KIE.AI's Veo 3.1 API and reports on it
// until it is finished.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=vg;videogen,categories=kie
// +kubebuilder:selectablefield:JSONPath=`.status.task.attempt`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=`.spec.model`
// +kubebuilder:printcolumn:name="Resolution",type=string,JSONPath=`.status.videos[0].resolution`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Credits",type=string,priority=1,JSONPath=`.status.estimatedCredits`
// +kubebuilder:printcolumn:name="Task",type=string,priority=1,JSONPath=`.status.task.id`
// +kubebuilder:printcolumn:name="Artifact",type=string,priority=1,JSONPath=`.status.videos[0].artifact.uri`
// +kubebuilder:printcolumn:name="Video",type=string,priority=1,JSONPath=`.status.videos[0].url`
// +kubebuilder:validation:XValidation:rule="!has(self.spec.extend) || self.spec.extend.from.name != self.metadata.name",fieldPath=".spec.extend.from.name",message="a video cannot continue itself: name another VideoGeneration in extend.from"
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
	// +default={"observedGeneration":-1,"conditions":[{"type":"Ready","status":"Unknown","reason":"Pending","message":"the operator has not looked at it yet","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Reconciling","status":"True","reason":"Pending","message":"the operator has not looked at it yet","lastTransitionTime":"1970-01-01T00:00:00Z"}]}
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
