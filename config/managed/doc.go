// Package managed is the model of the scaling that AWS manages for ECS services, between the places it is described in and
// our configuration: importers fill a [Document], [Write] makes the configuration of it, [Of] reads a configuration back, and
// [Terraform] and [CLI] write it as managed policies again. What has no counterpart is a [Loss], never silence.
//
// Names and units are those of the API of Application Auto Scaling and of CloudWatch.
package managed
