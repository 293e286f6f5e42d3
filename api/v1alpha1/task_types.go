// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TaskState is how far a paid task has come.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
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
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type Operation string

// What a task can be bought for.
const (
	// OperationGenerate makes a new video.
	OperationGenerate Operation = "Generate"
	// OperationExtend continues a video.
	OperationExtend Operation = "Extend"
)

// TaskAPI is a family of KIE.AI's endpoints. Each has ids of its own: an endpoint
// that is asked about a task of another family does not know it.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type TaskAPI string

// The families of endpoints that sell tasks.
const (
	// TaskAPIVeo is the API of Veo 3.1. A task without an API belongs to it.
	TaskAPIVeo TaskAPI = "Veo"
	// TaskAPIMarket is the API of all other models.
	TaskAPIMarket TaskAPI = "Market"
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

	// api is which API of KIE.AI the task belongs to: Veo or Market. Left
	// out, it is Veo.
	// +optional
	API TaskAPI `json:"api,omitempty"`

	// account is the KieAccount that bought the task, in whose creditsSpent
	// it is counted. A task that was taken over has none.
	// +optional
	Account AccountIdentity `json:"account,omitempty,omitzero"`

	// submittedAt is when the purchase was decided.
	// +required
	SubmittedAt metav1.Time `json:"submittedAt,omitempty,omitzero"`

	// id is KIE.AI's id of the task. It is left out until it is known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// adopted says that the task was not bought by this resource but taken
	// over, as its annotation asked for. KIE.AI sends no callback for it, so
	// it is polled.
	// +optional
	Adopted *bool `json:"adopted,omitempty"`

	// state is how far the task has come: Submitting, Running, Succeeded or
	// Failed.
	// +required
	State TaskState `json:"state,omitempty"`

	// failure says why the task ended without a video.
	// +optional
	Failure *TaskFailure `json:"failure,omitempty"`

	// credits is what was booked for the purchase, with its upgrade, by the
	// price table of the account.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Credits string `json:"credits,omitempty"`

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

// PastTask is a paid task that a later purchase has replaced.
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

	// api is which API of KIE.AI the task belongs to: Veo or Market. Left
	// out, it is Veo.
	// +optional
	API TaskAPI `json:"api,omitempty"`

	// account is the KieAccount that bought the task, in whose creditsSpent
	// it is counted.
	// +optional
	Account AccountIdentity `json:"account,omitempty,omitzero"`

	// id is KIE.AI's id of the task, if it is known.
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

	// credits is what was booked for the purchase.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Credits string `json:"credits,omitempty"`

	// code is KIE.AI's code of the failure, where it gave one.
	// +optional
	Code *int32 `json:"code,omitempty"`

	// reason is the cause of the failure in one word.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
}
