#include "notify/catalogue.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::notify {
namespace {

constexpr std::array<MailParameter, 7> kNewDeveloper{{{"DevFirstName", "Developer first name"},
                                                      {"DevLastName", "Developer last name"},
                                                      {"OrganizationName", "Organization name"},
                                                      {"DevPortalUrl", "Developer portal address"},
                                                      {"DevUsername", "Developer user name"},
                                                      {"DevEmail", "Developer e-mail"},
                                                      {"IdentityProvider", "Identity provider"}}};
constexpr std::array<MailParameter, 7> kConfirmSignUp{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"ConfirmUrl", "Confirmation link"},
     {"DevPortalHost", "Developer portal host"},
     {"ConfirmQuery", "Query of the confirmation link"}}};
constexpr std::array<MailParameter, 6> kInviteUser{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"ConfirmUrl", "Confirmation link"},
     {"DevPortalHost", "Developer portal host"},
     {"ConfirmQuery", "Query of the confirmation link"}}};
constexpr std::array<MailParameter, 7> kEmailChange{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"ConfirmUrl", "Confirmation link"},
     {"DevPortalHost", "Developer portal host"},
     {"ConfirmQuery", "Query of the confirmation link"}}};
constexpr std::array<MailParameter, 7> kPasswordReset{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"ConfirmUrl", "Confirmation link"},
     {"DevPortalHost", "Developer portal host"},
     {"ConfirmQuery", "Query of the confirmation link"}}};
constexpr std::array<MailParameter, 5> kPasswordResetByAdmin{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"DevPassword", "One-time link to choose a password"}}};
constexpr std::array<MailParameter, 6> kRequestDeveloper{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"DevEmail", "Developer e-mail"},
     {"ProdName", "Product name"}}};
constexpr std::array<MailParameter, 8> kPurchaseDeveloper{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"ProdId", "Product id"},
     {"ProdName", "Product name"},
     {"SubStartDate", "Start of the subscription"},
     {"SubTerm", "Term of the subscription"}}};
constexpr std::array<MailParameter, 6> kRejectDeveloper{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"SubDeclineReason", "Reason of the refusal"},
     {"ProdName", "Product name"}}};
constexpr std::array<MailParameter, 14> kQuotaLimitApproachingDeveloper{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"ProdName", "Product name"},
     {"SubPrimaryKey", "First characters of the primary key"},
     {"QuotaResetDate", "When the quota begins anew"},
     {"Calls", "Calls so far"},
     {"CallQuota", "Calls of the quota"},
     {"CallsAlert", "Whether calls are near their quota"},
     {"Bandwidth", "Bytes so far"},
     {"BandwidthQuota", "Bytes of the quota"},
     {"BandwidthAlert", "Whether bytes are near their quota"},
     {"Apis", "APIs with their share"}}};
constexpr std::array<MailParameter, 6> kNewIssue{{{"DevFirstName", "Developer first name"},
                                                  {"DevLastName", "Developer last name"},
                                                  {"OrganizationName", "Organization name"},
                                                  {"DevPortalUrl", "Developer portal address"},
                                                  {"IssueId", "Issue id"},
                                                  {"IssueName", "Issue title"}}};
constexpr std::array<MailParameter, 9> kNewComment{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"CommenterFirstName", "First name of who commented"},
     {"CommenterLastName", "Last name of who commented"},
     {"IssueId", "Issue id"},
     {"IssueName", "Issue title"},
     {"CommentText", "Text of the comment"}}};
constexpr std::array<MailParameter, 6> kApplicationApproved{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"},
     {"AppId", "Application id"},
     {"AppName", "Application name"}}};
constexpr std::array<MailParameter, 4> kAccountClosedDeveloper{
    {{"DevFirstName", "Developer first name"},
     {"DevLastName", "Developer last name"},
     {"OrganizationName", "Organization name"},
     {"DevPortalUrl", "Developer portal address"}}};

constexpr std::array<MailKind, 14> kMails{{
    {.name = "NewDeveloperNotificationMessage",
     .title = "Developer welcome letter",
     .description = "Greets a developer whose account is ready.",
     .subject = "Welcome to the $OrganizationName API",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your account $DevEmail is ready. You can now sign in, look at the APIs and "
             "subscribe to products.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kNewDeveloper,
     .holds_secret = false},
    {.name = "ConfirmSignUpIdentityDefault",
     .title = "New developer account confirmation",
     .description = "Asks a developer who signed up to confirm the e-mail address.",
     .subject = "Please confirm your new $OrganizationName API account",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>thank you for signing up. To confirm that this is your e-mail address, open this "
             "page within 48 hours:</p>\n"
             "<p><a href=\"$ConfirmUrl\">$ConfirmUrl</a></p>\n"
             "<p>If you did not sign up, there is nothing to do: without the confirmation there is "
             "no account.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kConfirmSignUp,
     .holds_secret = true},
    {.name = "InviteUserNotificationMessage",
     .title = "Invite user",
     .description = "Invites somebody to open an account.",
     .subject = "You are invited to use the $OrganizationName API",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>$OrganizationName invites you to its API portal. To accept, open this page and "
             "choose a password:</p>\n"
             "<p><a href=\"$ConfirmUrl\">$ConfirmUrl</a></p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n",
     .parameters = kInviteUser,
     .holds_secret = true},
    {.name = "EmailChangeIdentityDefault",
     .title = "Email change confirmation",
     .description = "Asks a developer to confirm a new e-mail address.",
     .subject = "Please confirm your new e-mail address",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>to use this e-mail address for your account from now on, open this page:</p>\n"
             "<p><a href=\"$ConfirmUrl\">$ConfirmUrl</a></p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kEmailChange,
     .holds_secret = true},
    {.name = "PasswordResetIdentityDefault",
     .title = "Password change confirmation",
     .description = "Holds the link with which a developer chooses a new password.",
     .subject = "Your request to choose a new password",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>somebody, we hope you, asked for a new password for your account. Choose it on "
             "this page within an hour:</p>\n"
             "<p><a href=\"$ConfirmUrl\">$ConfirmUrl</a></p>\n"
             "<p>If it was not you, there is nothing to do: your password stays as it is.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kPasswordReset,
     .holds_secret = true},
    {.name = "PasswordResetByAdminNotificationMessage",
     .title = "Password reset by publisher notification",
     .description = "Tells a developer that the publisher resets the password.",
     .subject = "Choose a new password for the $OrganizationName API",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your password has been reset. Choose a new one on this page:</p>\n"
             "<p><a href=\"$DevPassword\">$DevPassword</a></p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kPasswordResetByAdmin,
     .holds_secret = true},
    {.name = "RequestDeveloperNotificationMessage",
     .title = "Subscription request received",
     .description = "Tells a developer that a subscription waits for approval.",
     .subject = "Your subscription request for the $ProdName product",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>we have received your request for a subscription to <strong>$ProdName</strong>. "
             "You will hear from us at $DevEmail once it has been looked at.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kRequestDeveloper,
     .holds_secret = false},
    {.name = "PurchaseDeveloperNotificationMessage",
     .title = "New subscription activated",
     .description = "Tells a developer that a subscription is active.",
     .subject = "Your subscription to the $ProdName product",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your subscription to <strong>$ProdName</strong> is active#if ($SubStartDate != "
             "\"\") since $SubStartDate#end. Its keys are on the page of your profile in the "
             "developer portal.</p>\n"
             "#if ($SubTerm != \"\")\n"
             "<p>Term: $SubTerm</p>\n"
             "#end\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kPurchaseDeveloper,
     .holds_secret = false},
    {.name = "RejectDeveloperNotificationMessage",
     .title = "Subscription request declined",
     .description = "Tells a developer that a subscription was refused.",
     .subject = "Your subscription request for the $ProdName product",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your request for a subscription to <strong>$ProdName</strong> has been "
             "declined.</p>\n"
             "#if ($SubDeclineReason != \"\")\n"
             "<p>Reason: $SubDeclineReason</p>\n"
             "#end\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kRejectDeveloper,
     .holds_secret = false},
    {.name = "QuotaLimitApproachingDeveloperNotificationMessage",
     .title = "Developer quota limit approaching notification",
     .description = "Tells a developer that a quota is nearly used up.",
     .subject = "Your quota for the $ProdName product is nearly used up",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your subscription to <strong>$ProdName</strong> (key $SubPrimaryKey) is close to "
             "its limit.</p>\n"
             "#if ($CallsAlert == true)\n"
             "<p>Calls: $Calls of $CallQuota</p>\n"
             "#end\n"
             "#if ($BandwidthAlert == true)\n"
             "<p>Bytes: $Bandwidth of $BandwidthQuota</p>\n"
             "#end\n"
             "#foreach ($api in $Apis)\n"
             "<p>$api.Name: $api.Calls of $api.CallQuota</p>\n"
             "#end\n"
             "<p>The quota begins anew at $QuotaResetDate.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kQuotaLimitApproachingDeveloper,
     .holds_secret = false},
    {.name = "NewIssueNotificationMessage",
     .title = "New issue received",
     .description = "Tells a developer that an issue has arrived.",
     .subject = "Your issue $IssueName has arrived",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>thank you for telling us about <strong>$IssueName</strong> (number $IssueId). We "
             "look into it.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kNewIssue,
     .holds_secret = false},
    {.name = "NewCommentNotificationMessage",
     .title = "New comment added to an issue",
     .description = "Tells a developer of a comment to an issue.",
     .subject = "A comment on the issue $IssueName",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>$CommenterFirstName $CommenterLastName has commented on "
             "<strong>$IssueName</strong> (number $IssueId):</p>\n"
             "<blockquote>$CommentText</blockquote>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kNewComment,
     .holds_secret = false},
    {.name = "ApplicationApprovedNotificationMessage",
     .title = "Application gallery submission approved",
     .description = "Tells a developer that an application is in the gallery.",
     .subject = "Your application $AppName is in the gallery",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your application <strong>$AppName</strong> (number $AppId) has been approved and "
             "is shown in the gallery.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kApplicationApproved,
     .holds_secret = false},
    {.name = "AccountClosedDeveloper",
     .title = "Developer farewell letter",
     .description = "Says goodbye to a developer whose account was closed.",
     .subject = "Your $OrganizationName API account is closed",
     .body = "<p>Dear $DevFirstName $DevLastName,</p>\n"
             "<p>your account has been closed. Thank you for having been with us.</p>\n"
             "<p>Best regards,<br>$OrganizationName</p>\n"
             "<p><a href=\"$DevPortalUrl\">$DevPortalUrl</a></p>\n",
     .parameters = kAccountClosedDeveloper,
     .holds_secret = false},
}};

constexpr std::array<NotificationKind, 7> kNotifications{{
    {"RequestPublisherNotificationMessage", "Subscription requests (requiring approval)",
     "Somebody asks for a subscription that needs approval."},
    {"PurchasePublisherNotificationMessage", "New subscriptions", "A new subscription is active."},
    {"NewApplicationNotificationMessage", "Application gallery requests",
     "An application was submitted to the gallery."},
    {"BCC", "BCC", "Blind copies of the mails to developers, but for those with one-time links."},
    {"NewIssuePublisherNotificationMessage", "New issue or comment",
     "A new issue or comment was submitted."},
    {"AccountClosedPublisher", "Close account message", "A developer closed the account."},
    {"QuotaLimitApproachingPublisherNotificationMessage", "Approaching subscription quota limit",
     "A subscription is close to its quota."},
}};

}  // namespace

std::span<const MailKind> mail_kinds() noexcept { return kMails; }

const MailKind* find_mail_kind(std::string_view name) noexcept {
  const auto* const found = std::ranges::find_if(
      kMails, [&](const MailKind& one) { return equals_ignoring_case(one.name, name); });
  return found == kMails.end() ? nullptr : found;
}

std::span<const NotificationKind> notification_kinds() noexcept { return kNotifications; }

const NotificationKind* find_notification_kind(std::string_view name) noexcept {
  const auto* const found = std::ranges::find_if(kNotifications, [&](const NotificationKind& one) {
    return equals_ignoring_case(one.name, name);
  });
  return found == kNotifications.end() ? nullptr : found;
}

}  // namespace mlgate::notify
