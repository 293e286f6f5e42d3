// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

	// account is the KieAccount that bought it. The account of that name has
	// to buy the extension too.
	// +required
	Account AccountIdentity `json:"account,omitempty,omitzero"`
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

// RefusedAttempt is a purchase that KIE.AI said it did not make. Should its
// callback come all the same, the task is taken over instead of buying another.
type RefusedAttempt struct {
	// attempt is the token that stood for the purchase.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Attempt string `json:"attempt,omitempty"`

	// submittedAt is when the purchase was decided.
	// +required
	SubmittedAt metav1.Time `json:"submittedAt,omitempty,omitzero"`

	// account is the KieAccount for which it was sent.
	// +optional
	Account AccountIdentity `json:"account,omitempty,omitzero"`

	// credits is what it was to cost: what is booked if it was made.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Credits string `json:"credits,omitempty"`

	// taskID is the task that KIE.AI has called back about all the same. Whether
	// it belongs to this purchase is being asked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	TaskID string `json:"taskID,omitempty"`

	// calledBackAt is when that callback was received.
	// +optional
	CalledBackAt *metav1.MicroTime `json:"calledBackAt,omitempty"`
}

// VideoGenerationStatus is what has happened so far.
// +kubebuilder:validation:MinProperties=1
type VideoGenerationStatus struct {
	// conditions are Ready, always; Stored, where the videos are to be
	// stored; and Reconciling, Stalled, DiffersFromSpec or TaskIDNotMirrored
	// while they are true. The reason of Ready is the STATUS column of
	// kubectl get.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status
	// speaks of; -1 before the operator has looked at the resource.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// account is the KieAccount that bought the task and whose key KIE.AI is
	// asked about it with; before a purchase, the one that is to make it.
	// +optional
	Account AccountIdentity `json:"account,omitempty,omitzero"`

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

	// purchases counts the purchases that were made, or may have been. It is
	// never more than spec.retry.maxAttempts and resubmissions together.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Purchases int32 `json:"purchases,omitempty"`

	// resubmissions counts the purchases that were made because the
	// annotation kie-operator.github.io/resubmit asked for them.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Resubmissions int32 `json:"resubmissions,omitempty"`

	// refusedAttempts are the last purchases that KIE.AI said it did not
	// make, the oldest first, as long as their callback may still come.
	// +optional
	// +listType=map
	// +listMapKey=attempt
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	RefusedAttempts []RefusedAttempt `json:"refusedAttempts,omitempty"`

	// lastHandledAdoptTaskID is the last value of the annotation
	// kie-operator.github.io/adopt-task-id that was acted upon. The same value acts again only
	// after the annotation was removed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	LastHandledAdoptTaskID string `json:"lastHandledAdoptTaskID,omitempty"`

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
	// kie-operator.github.io/refresh-links that was acted upon.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RefreshedLinks string `json:"refreshedLinks,omitempty"`
}
