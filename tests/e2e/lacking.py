"""What moto's server lacks of the actions that these tests need; `import lacking` adds it.

Each is as small as AWS's documentation lets it be, and knows nothing of opsh.
"""

from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

# A root volume may be named without its size: then it is as large as the image's (8 GiB here).
create_volume = EBSBackend.create_volume


def sized(self, size=None, zone_name=None, snapshot_id=None, **others):
    if size is None and snapshot_id is None:
        size = 8
    return create_volume(self, size=size, zone_name=zone_name, snapshot_id=snapshot_id, **others)


EBSBackend.create_volume = sized

# The tags of a launch template are its own, and no part of what it launches.
make_version = LaunchTemplateVersion.__init__


def without_own_tags(self, template, number, data, description):
    specified = data.get("TagSpecifications", [])
    kept = [one for one in specified if one.get("ResourceType") != "launch-template"]
    if specified:
        data = {**data, "TagSpecifications": kept}
    make_version(self, template, number, data, description)


LaunchTemplateVersion.__init__ = without_own_tags

# Notifications of Auto Scaling groups.


def noted(backend):
    return backend.__dict__.setdefault("notifications", {})


def put_notification_configuration(self):
    group, topic = self._get_param("AutoScalingGroupName"), self._get_param("TopicARN")
    noted(self.autoscaling_backend)[group, topic] = self._get_param("NotificationTypes", [])
    return EmptyResult()


def delete_notification_configuration(self):
    group, topic = self._get_param("AutoScalingGroupName"), self._get_param("TopicARN")
    noted(self.autoscaling_backend).pop((group, topic), None)
    return EmptyResult()


def describe_notification_configurations(self):
    wanted = self._get_param("AutoScalingGroupNames", [])
    groups = self.autoscaling_backend.autoscaling_groups
    return ActionResult({"NotificationConfigurations": [
        {"AutoScalingGroupName": group, "TopicARN": topic, "NotificationType": kind}
        for (group, topic), kinds in noted(self.autoscaling_backend).items()
        for kind in kinds
        if group in groups and (not wanted or group in wanted)
    ]})


for action in (put_notification_configuration, delete_notification_configuration,
               describe_notification_configurations):
    setattr(AutoScalingResponse, action.__name__, action)

# The ARN of a scaling policy, which moto's answer leaves out by its spelling.
put_scaling_policy = AutoScalingResponse.put_scaling_policy


def with_arn(self):
    put_scaling_policy(self)
    policies = self.autoscaling_backend.describe_policies(
        autoscaling_group_name=self._get_param("AutoScalingGroupName"),
        policy_names=[self._get_param("PolicyName")], policy_types=[])
    return ActionResult({"PolicyARN": policies[0].arn})


AutoScalingResponse.put_scaling_policy = with_arn

# A group takes its policies along.
delete_auto_scaling_group = AutoScalingBackend.delete_auto_scaling_group


def with_policies(self, group_name, *others, **more):
    delete_auto_scaling_group(self, group_name, *others, **more)
    for name in [name for name, policy in self.policies.items()
                 if policy.auto_scaling_group_name == group_name]:
        del self.policies[name]


AutoScalingBackend.delete_auto_scaling_group = with_policies

# What a bucket's notifications are wrapped in.
get_bucket_notification = S3Response.get_bucket_notification


def rightly_named(self):
    status, headers, body = get_bucket_notification(self)
    body = body.decode() if isinstance(body, bytes) else body
    return status, headers, body.replace("GetBucketNotificationResponse", "NotificationConfiguration")


S3Response.get_bucket_notification = rightly_named

# Whoever may read an object may ask for its headers: there is no permission of its own for it.
get_permission = FakeBucket.get_permission


def permission_to_read(self, action, resource):
    return get_permission(self, action.replace("s3:HeadObject", "s3:GetObject"), resource)


FakeBucket.get_permission = permission_to_read
