"""What moto's server lacks of the actions that these tests need; `import lacking` adds it.

Each is as small as AWS's documentation lets it be, and knows nothing of opsh.
"""

from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.instances import InstanceResponse
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

# A root volume may be named without its size: then it is as large as the image's (8 GiB here).
create_volume = EBSBackend.create_volume
validate_mapping = InstanceResponse._validate_block_device_mapping


def sized(self, size=None, zone_name=None, snapshot_id=None, **others):
    if size is None and snapshot_id is None:
        size = 8
    return create_volume(self, size=size, zone_name=zone_name, snapshot_id=snapshot_id, **others)


def mapped(mapping):
    if "Ebs" in mapping and "SnapshotId" not in mapping["Ebs"]:
        mapping["Ebs"].setdefault("VolumeSize", 8)
    validate_mapping(mapping)


EBSBackend.create_volume = sized
InstanceResponse._validate_block_device_mapping = staticmethod(mapped)

# The snapshot of a captured image takes tags of its own, and goes with the image if that is asked for.
create_image, deregister_image = AmiBackend.create_image, AmisResponse.deregister_image


def with_tagged_snapshot(self, instance_id, name, description, tag_specifications):
    of_snapshot = [one for one in tag_specifications if one["ResourceType"] == "snapshot"]
    others = [one for one in tag_specifications if one not in of_snapshot]
    image = create_image(self, instance_id, name, description, others)
    for tag in (tag for one in of_snapshot for tag in one["Tags"]):
        image.ebs_snapshot.add_tag(tag["Key"], tag["Value"])
    return image


def with_its_snapshot(self):
    image = self.ec2_backend.amis.get(self._get_param("ImageId"))
    answer = deregister_image(self)
    if image and self._get_bool_param("DeleteAssociatedSnapshots"):
        self.ec2_backend.delete_snapshot(image.ebs_snapshot.id)
    return answer


AmiBackend.create_image = with_tagged_snapshot
AmisResponse.deregister_image = with_its_snapshot

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
