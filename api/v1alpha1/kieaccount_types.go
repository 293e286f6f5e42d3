// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Keys of the Secret that credentialsSecretRef names.
const (
	// SecretKeyAPIKey holds the API key. It is required.
	SecretKeyAPIKey = "apiKey"
	// SecretKeyWebhookHMACKey holds the key that KIE.AI signs callbacks
	// with.
	SecretKeyWebhookHMACKey = "webhookHmacKey"
	// SecretKeyWebhookHMACKeyPrevious holds the key from before the last
	// rotation. It is accepted beside the current one.
	SecretKeyWebhookHMACKeyPrevious = "webhookHmacKeyPrevious"
)

// DefaultAccountName is the KieAccount that a VideoGeneration without accountRef uses.
const DefaultAccountName = "default"

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name is the name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="name must be the name of a Secret: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// NamespacesFrom says which namespaces may use an account.
// +kubebuilder:validation:Enum=Same;All;Selector
type NamespacesFrom string

// Who may use an account.
const (
	// NamespacesSame is the namespace of the account only.
	NamespacesSame NamespacesFrom = "Same"
	// NamespacesAll is every namespace.
	NamespacesAll NamespacesFrom = "All"
	// NamespacesSelector is every namespace whose labels match.
	NamespacesSelector NamespacesFrom = "Selector"
)

// AllowedNamespaces says which namespaces may use an account.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="self.from != 'Selector' || has(self.selector)",fieldPath=".selector",message="from: Selector needs a selector of namespaces: add selector, or use from: Same or from: All"
// +kubebuilder:validation:XValidation:rule="self.from == 'Selector' || !has(self.selector)",fieldPath=".selector",message="selector is used with from: Selector only: set from to Selector, or remove selector"
type AllowedNamespaces struct {
	// from is Same (the namespace of the account), All, or Selector.
	// +optional
	// +default="Same"
	From NamespacesFrom `json:"from,omitempty"`

	// selector matches the labels of namespaces, with from: Selector.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// AccountLimits bound what is sent to KIE.AI on this account.
// +kubebuilder:validation:MinProperties=1
type AccountLimits struct {
	// submissions is how many purchases are made in one window. KIE.AI
	// allows 20 in 10 seconds.
	// +optional
	// +default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Submissions int32 `json:"submissions,omitempty"`

	// window is the length of that window, from 1s to 1h. It slides: no
	// stretch of this length ever has more purchases in it.
	// +optional
	// +default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="window must be a time from 1s to 1h, such as 10s or 1m"
	Window metav1.Duration `json:"window,omitempty,omitzero"`

	// inFlight is how many bought videos may be unfinished at a time. KIE.AI
	// speaks of "typically 100".
	// +optional
	// +default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	InFlight int32 `json:"inFlight,omitempty"`
}

// PricedOperation is what a price is for.
// +kubebuilder:validation:Enum=Generate;Extend;Upgrade1080p;Upgrade4K
type PricedOperation string

// What has a price.
const (
	// PricedGenerate is a new video in 720p, whatever its duration.
	PricedGenerate PricedOperation = "Generate"
	// PricedExtend is an extension.
	PricedExtend PricedOperation = "Extend"
	// PricedUpgrade1080p is the 1080p version of a video, beside the video itself.
	PricedUpgrade1080p PricedOperation = "Upgrade1080p"
	// PricedUpgrade4K is the 4K version of a video, beside the video itself.
	PricedUpgrade4K PricedOperation = "Upgrade4K"
)

// Price is what one operation with one model costs.
type Price struct {
	// model is the model that the price is for, as KIE.AI names it, such as
	// veo3_fast. An upgrade is priced by the model of the video, too.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._/-]*$`
	Model string `json:"model,omitempty"`

	// operation is what the price is for: Generate (a new video in 720p,
	// whatever its duration), Extend (an extension), Upgrade1080p or
	// Upgrade4K (the larger version, beside the video itself).
	// +required
	Operation PricedOperation `json:"operation,omitempty"`

	// credits is the price, with at most three decimals, from "0", which is
	// free, to "9999999.999". A credit is half a US cent.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,7}([.][0-9]{1,3})?$')",message="credits must be a price in quotes with at most three decimals, such as \"60\" or \"14.4\", from \"0\" to \"9999999.999\""
	Credits string `json:"credits,omitempty"`
}

// Budget bounds what is spent in a period.
type Budget struct {
	// credits is how much may be spent in one period, by the price table, with
	// at most three decimals, from "0.001" to "999999999.999". A video that
	// does not fit waits for the next period. A purchase that fails later
	// counts as spent.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=13
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,9}([.][0-9]{1,3})?$') && self.matches('[1-9]')",message="credits must be an amount in quotes with at most three decimals, such as \"5000\" or \"62.5\", above \"0\" and up to \"999999999.999\"; to spend nothing, set spec.suspend"
	Credits string `json:"credits,omitempty"`

	// period is the length of a period, from 1m to 8760h (a year). Periods
	// follow each other without a gap, in UTC: one of 24h begins at midnight,
	// one of 168h at midnight between Sunday and Monday.
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="period must be a time from 1m to 8760h, such as 24h or 168h"
	Period metav1.Duration `json:"period,omitempty,omitzero"`
}

// KieAccountSpec is an account at KIE.AI and who may spend from it.
type KieAccountSpec struct {
	// credentialsSecretRef names the Secret, in the same namespace, with the
	// keys apiKey (required), webhookHmacKey (the key that callbacks are
	// signed with) and webhookHmacKeyPrevious (the one before, while keys
	// are rotated).
	// +required
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitempty,omitzero"`

	// baseURL is the address of the KIE.AI API. Plain http is for
	// development: the operator refuses it unless it runs with
	// --allow-private-networks.
	// +optional
	// +default="https://api.kie.ai"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[?#@ ]')",message="baseURL must be a plain http or https address, such as https://api.kie.ai, without user, query or fragment"
	BaseURL string `json:"baseURL,omitempty"`

	// uploadBaseURL is the address of the KIE.AI File Upload API, which takes
	// images from ConfigMaps and Secrets. Plain http is for development.
	// +optional
	// +default="https://kieai.redpandaai.co"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[?#@ ]')",message="uploadBaseURL must be a plain http or https address, such as https://kieai.redpandaai.co, without user, query or fragment"
	UploadBaseURL string `json:"uploadBaseURL,omitempty"`

	// suspend holds back all that would be spent from the account while it is
	// true: purchases, further tries and upgrades that have not begun. What is
	// already bought is followed to its end.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// allowedNamespaces says which namespaces may use the account. By
	// default it is the account's own.
	// +optional
	// +default={"from": "Same"}
	AllowedNamespaces AllowedNamespaces `json:"allowedNamespaces,omitempty,omitzero"`

	// limits bound what is sent to KIE.AI.
	// +optional
	// +default={"submissions": 20, "window": "10s", "inFlight": 100}
	Limits AccountLimits `json:"limits,omitempty,omitzero"`

	// prices override the operator's own price table, which has KIE.AI's prices
	// of autumn 2026, where they have changed since. Each model and operation
	// has one entry at most.
	// +optional
	// +listType=map
	// +listMapKey=model
	// +listMapKey=operation
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:MinItems=0
	Prices []Price `json:"prices,omitempty"`

	// storage is where the finished videos of this account are kept, unless
	// a VideoGeneration names another place. Videos that were finished before
	// it was set are not stored.
	// +optional
	// +kubebuilder:validation:XValidation:rule="has(self.url)",message="storage needs a place: add url, such as s3://BUCKET"
	Storage *Storage `json:"storage,omitempty"`

	// budget holds purchases back when so many credits are spent in a
	// period. Left out, only the balance bounds what is spent.
	// +optional
	Budget *Budget `json:"budget,omitempty"`
}

// KieAccountStatus is what is known of the account.
// +kubebuilder:validation:MinProperties=1
type KieAccountStatus struct {
	// conditions are Ready, which says whether the account can buy, and
	// CallbacksEnabled, which says whether KIE.AI calls back and whether
	// those calls are signed.
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

	// credits is the balance that KIE.AI last reported, in credits.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Credits string `json:"credits,omitempty"`

	// inFlight is how many bought videos were unfinished when the account
	// was last looked at.
	// +optional
	// +kubebuilder:validation:Minimum=0
	InFlight *int32 `json:"inFlight,omitempty"`

	// queued is how many VideoGenerations waited to be bought when the
	// account was last looked at.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Queued *int32 `json:"queued,omitempty"`

	// creditsSpent is what was spent, by the price table, since
	// creditsSpentSince. With a budget it is written before each purchase.
	// While it cannot be read, nothing is bought.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	CreditsSpent string `json:"creditsSpent,omitempty"`

	// creditsSpentSince is the start of the current period: that of the
	// budget, or the last midnight in UTC.
	// +optional
	CreditsSpentSince *metav1.Time `json:"creditsSpentSince,omitempty"`

	// creditsSpentThrough is the moment up to which purchases are in
	// creditsSpent. Later ones are added when the account is looked at next.
	// +optional
	CreditsSpentThrough *metav1.Time `json:"creditsSpentThrough,omitempty"`
}

// KieAccount is an account at KIE.AI: its credentials, its limits, and who may
// spend from it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ka,categories=kie
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Credits",type=string,JSONPath=`.status.credits`
// +kubebuilder:printcolumn:name="Spent",type=string,JSONPath=`.status.creditsSpent`
// +kubebuilder:printcolumn:name="In flight",type=integer,JSONPath=`.status.inFlight`
// +kubebuilder:printcolumn:name="Queued",type=integer,JSONPath=`.status.queued`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Budget",type=string,priority=1,JSONPath=`.spec.budget.credits`
// +kubebuilder:printcolumn:name="Callbacks",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="CallbacksEnabled")].reason`
type KieAccount struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the account and who may spend from it.
	// +required
	Spec KieAccountSpec `json:"spec,omitempty,omitzero"`

	// status is what is known of the account.
	// +optional
	// +default={"observedGeneration":-1,"conditions":[{"type":"Ready","status":"Unknown","reason":"Pending","message":"the operator has not looked at it yet","lastTransitionTime":"1970-01-01T00:00:00Z"}]}
	Status KieAccountStatus `json:"status,omitempty,omitzero"`
}

// KieAccountList is a list of KieAccounts.
//
// +kubebuilder:object:root=true
type KieAccountList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KieAccount `json:"items"`
}
