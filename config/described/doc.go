// Package described reads the resources that make managed scaling up - scalable targets, scaling policies, scheduled actions and
// CloudWatch alarms - as trees of attributes in the API's names in snake_case, and makes a [managed.Document] of them. Terraform,
// CloudFormation and the API describe them alike but for spelling, so that what is lost is found in one place: every attribute
// that nobody asked for is named.
package described
