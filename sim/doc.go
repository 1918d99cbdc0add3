// Package sim is a simulated AWS region on the real wire protocols: ECS, CloudWatch, Application Auto Scaling, DynamoDB
// and STS as far as scaling ECS services needs them, in one account and region or in several. The unmodified
// AWS SDKs and the AWS CLI work against it.
//
// A scenario file (docs/simulated-region.md) describes the world: services with a load that changes with time, tasks
// that take time to start and stop, deployments, datapoints that appear late, and faults. CPU and memory follow from
// the load and the number of running tasks and saturate at 100 %.
//
// Nothing in it runs by itself: the state of a service is worked out when somebody asks, from the few events since the
// last time, and datapoints are made up when they are read. Days of simulated time cost nothing, services at rest cost
// nothing, and equal scenarios, clocks and requests give equal answers.
//
// The packages below it: curve (how quantities change with time), fleet (tasks and deployments of one service),
// metricmath (expressions of GetMetricData), dynamo (tables and items), wire (the protocols).
package sim
