#!/bin/sh
# What a container instance needs for the daemon, as (part of) its user data: the directory of its state, and task roles
# for tasks that share the instance's network. On an instance that runs already: restart the ECS agent afterwards.
set -eu
install -d -o 65532 -g 65532 -m 700 /var/lib/poolwarden
mkdir -p /etc/ecs
echo ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST=true >>/etc/ecs/ecs.config
