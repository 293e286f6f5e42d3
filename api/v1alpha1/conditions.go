// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Types of conditions.
const (
	// ConditionReady is always there. It is True when the resource has reached what it is for, False when it
	// never will, and Unknown on the way. Its reason is the STATUS column of kubectl get.
	ConditionReady = "Ready"
	// ConditionReconciling is there, and True, only while work goes on.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is there, and True, only when the resource cannot come further by itself.
	ConditionStalled = "Stalled"
	// ConditionStored is there as soon as it is known that the videos are to be stored. It is True when all videos
	// that there are so far are stored, False when one never will be, and Unknown on the way: also again, when a
	// larger version comes beside a stored video.
	ConditionStored = "Stored"
	// ConditionDiffersFromSpec is there, and True, only when a finished video is not what was asked for: KIE.AI
	// made it in another resolution or length.
	ConditionDiffersFromSpec = "DiffersFromSpec"
	// ConditionTaskIDNotMirrored is there, and True, only while the annotations that a backup keeps cannot be written:
	// a resource that is restored without its status would then buy again.
	ConditionTaskIDNotMirrored = "TaskIDNotMirrored"
	// ConditionCallbacksEnabled says, on a KieAccount, whether KIE.AI calls back and whether it signs.
	ConditionCallbacksEnabled = "CallbacksEnabled"
)

// FinalizerStoredVideos keeps a VideoGeneration that is deleted until its stored
// videos are deleted too, which its deletionPolicy asks for, or until 10 minutes
// have passed.
const FinalizerStoredVideos = "kie-operator.github.io/stored-videos"

// Annotations on VideoGenerations.
const (
	// AnnotationTaskID mirrors the id of the paid task, so that a resource that is restored without its
	// status takes the task over instead of buying another one.
	AnnotationTaskID = "kie-operator.github.io/task-id"
	// AnnotationAttempt is the attempt of a purchase whose task is not known yet, so that a resource that loses its
	// status meanwhile waits for the callback of that purchase instead of making another one.
	AnnotationAttempt = "kie-operator.github.io/attempt"
	// AnnotationAdoptTaskID is set by a user to give a resource the task that it, or the user, has paid for. It acts
	// once.
	AnnotationAdoptTaskID = "kie-operator.github.io/adopt-task-id"
	// AnnotationResubmit is set by a user to the attempt in status.task to buy once more after it has failed
	// or its fate is unknown.
	AnnotationResubmit = "kie-operator.github.io/resubmit"
	// AnnotationRefreshLinks is set by a user, to any new value, to get fresh links to the finished videos.
	AnnotationRefreshLinks = "kie-operator.github.io/refresh-links"
)

// ReasonPending is the reason of the conditions that a resource has from its
// creation until the operator has looked at it. They are the defaults of its
// status.
const ReasonPending = "Pending"

// Reasons of the Ready condition of a VideoGeneration on the way.
const (
	// ReasonQueued means that the video waits for its turn to be bought.
	ReasonQueued = "Queued"
	// ReasonSuspended means that spec.suspend holds the purchase back: of the VideoGeneration, or of its account.
	ReasonSuspended = "Suspended"
	// ReasonSubmitting means that the video is being bought, or was bought with the answer lost.
	ReasonSubmitting = "Submitting"
	// ReasonAPIUnknown means that the task belongs to an API of KIE.AI that this operator does not know.
	ReasonAPIUnknown = "APIUnknown"
	// ReasonGenerating means that KIE.AI is making the video.
	ReasonGenerating = "Generating"
	// ReasonUpgrading means that KIE.AI is making the larger version of the video.
	ReasonUpgrading = "Upgrading"
	// ReasonStoring means that the finished video is being stored. Stored has it before the video is finished, too.
	ReasonStoring = "Storing"
	// ReasonStorageFailed means that the finished video could not be stored. While it can still be had from KIE.AI,
	// Ready and Stored are Unknown with it, and it is tried again; after that, they are False.
	ReasonStorageFailed = "StorageFailed"
	// ReasonWaitingForSource means that the video which is continued is not finished yet.
	ReasonWaitingForSource = "WaitingForSource"
	// ReasonWaitingToRetry means that KIE.AI could not make the video and it is bought again after a while.
	ReasonWaitingToRetry = "WaitingToRetry"
	// ReasonInsufficientCredits means that the balance of the account is too low.
	ReasonInsufficientCredits = "InsufficientCredits"
	// ReasonBudgetExhausted means that the budget of the account does not allow the purchase in this period.
	ReasonBudgetExhausted = "BudgetExhausted"
	// ReasonUnreadableCredits means that a number of credits in the account, or in a purchase on it, cannot be read:
	// nothing is bought until it is corrected. It is a reason of the KieAccount, too.
	ReasonUnreadableCredits = "UnreadableCredits"
	// ReasonPriceUnknown means that the price table has no price for what is to be bought.
	ReasonPriceUnknown = "PriceUnknown"
	// ReasonAccountMismatch means that the video which is continued was bought on another account.
	ReasonAccountMismatch = "AccountMismatch"
	// ReasonAccountNotFound means that there is no such KieAccount.
	ReasonAccountNotFound = "AccountNotFound"
	// ReasonAccountNotAllowed means that the KieAccount does not allow the namespace.
	ReasonAccountNotAllowed = "AccountNotAllowed"
)

// Reasons of the Ready condition of a VideoGeneration at its end, besides those
// that the callback server has to know.
const (
	// ReasonSucceeded means that the video is finished.
	ReasonSucceeded = "Succeeded"
	// ReasonContentRejected means that the prompt or an image breaks a policy of KIE.AI.
	ReasonContentRejected = "ContentRejected"
	// ReasonGenerationFailed means that KIE.AI could not make the video.
	ReasonGenerationFailed = "GenerationFailed"
	// ReasonInvalidRequest means that KIE.AI cannot fulfil the request; nothing was bought.
	ReasonInvalidRequest = "InvalidRequest"
	// ReasonFeatureDisabled means that KIE.AI does not offer what was asked for; nothing was bought.
	ReasonFeatureDisabled = "FeatureDisabled"
	// ReasonTaskExpired means that KIE.AI no longer answers questions about the task, which is too old.
	ReasonTaskExpired = "TaskExpired"
	// ReasonUpgradeFailed means that there will be no larger version of the video; the 720p video is there.
	ReasonUpgradeFailed = "UpgradeFailed"
	// ReasonSourceFailed means that the video which is continued failed or cannot be continued.
	ReasonSourceFailed = "SourceFailed"
	// ReasonInvalidSource means that the chain of spec.extend.from is a circle or is too long.
	ReasonInvalidSource = "InvalidSource"
	// ReasonInvalidImage means that an image is missing or cannot be used; nothing was bought.
	ReasonInvalidImage = "InvalidImage"
	// ReasonInvalidTaskID means that an annotation holds no task id.
	ReasonInvalidTaskID = "InvalidTaskID"
	// ReasonPurchaseLimitReached means that as many purchases were made, or may have been, as spec.retry and the
	// annotation kie-operator.github.io/resubmit allow.
	ReasonPurchaseLimitReached = "PurchaseLimitReached"
)

// ReasonStored is the reason of the Stored condition when all videos that there
// are so far are stored. Before that it is ReasonStoring or ReasonStorageFailed.
const ReasonStored = "Stored"

// Reasons of the DiffersFromSpec condition.
const (
	// ReasonResolutionDiffers means that the video has another resolution than was asked for.
	ReasonResolutionDiffers = "ResolutionDiffers"
	// ReasonDurationDiffers means that the video has another length than was asked for.
	ReasonDurationDiffers = "DurationDiffers"
)

// Reasons of the Reconciling condition.
const (
	// ReasonProgressing means that the operator or KIE.AI is at work, and nothing is wrong.
	ReasonProgressing = "Progressing"
	// ReasonProgressingWithRetry means that trouble has to pass first.
	ReasonProgressingWithRetry = "ProgressingWithRetry"
)

// Reasons of the conditions of a KieAccount, besides those for which KIE.AI
// refuses it.
const (
	// ReasonAvailable means that the account can buy.
	ReasonAvailable = "Available"
	// ReasonInsecureBaseURL means that spec.baseURL is plain http and the operator does not allow that.
	ReasonInsecureBaseURL = "InsecureBaseURL"
	// ReasonInvalidSelector means that spec.allowedNamespaces.selector cannot be used.
	ReasonInvalidSelector = "InvalidSelector"
	// ReasonSigned means that KIE.AI calls back and the calls are checked against a key.
	ReasonSigned = "Signed"
	// ReasonUnsigned means that KIE.AI calls back and there is no key to check the calls against.
	ReasonUnsigned = "Unsigned"
	// ReasonKeysUnknown means that KIE.AI calls back and the Secret with the keys could not be read so far.
	ReasonKeysUnknown = "KeysUnknown"
	// ReasonPollingOnly means that the operator has no URL that KIE.AI could call.
	ReasonPollingOnly = "PollingOnly"
)
